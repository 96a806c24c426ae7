#include "certificate_looks.h"

#include <stdatomic.h>

#include "lib/base/parallel.h"

enum {
    /* A thread takes so many at a time: few of a few, so that all threads have some; more of many,
     * since they are handed over one batch at a time, and neighbours lie in the same piece of the
     * snapshot. */
    BATCH_MIN = 32,
    BATCH_MAX = 256,
    BATCHES = 256, /* that there are to be at least, where a batch has more than its least */
    FINDINGS_AHEAD = 8192,
};

struct run {
    const struct certificate_looks *looks;
    const struct certificate_looks_options *options;
    size_t batch;                         /* looks in each, but the last */
    struct certificate_finding **batches; /* NULL: not looked at yet, or handed over */
    _Atomic bool ended;
};

void certificate_looks_clear(struct certificate_looks *looks)
{
    free(looks->items);
    *looks = (struct certificate_looks){0};
}

void certificate_looks_add(struct certificate_looks *looks, struct certificate_source *source)
{
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(looks->items, looks->count, looks->capacity);
    looks->items[looks->count++] = source;
}

static size_t batch_size(const struct run *run, size_t number)
{
    size_t left = run->looks->count - number * run->batch;
    return left < run->batch ? left : run->batch;
}

/* --- On any thread --- */

static void *looker_new(void *context)
{
    const struct certificate_looks_options *options = ((const struct run *)context)->options;
    return certificate_looker_new(&(struct certificate_looker_options){
        .chains = options->chains,
        .snapshot = options->snapshot,
        .quickly = options->quickly,
        .now_s = options->now_s,
    });
}

static void looker_free(void *looker)
{
    certificate_looker_free(looker);
}

static void look(size_t number, void *looker, void *context)
{
    struct run *run = context;
    size_t count = batch_size(run, number);
    struct certificate_finding *batch = memory_zero(count, sizeof(*batch));
    for (size_t i = 0; i < count; i++) {
        const struct certificate_source *source = run->looks->items[number * run->batch + i];
        batch[i] = run->options->prove ? certificate_source_prove(source, looker)
                                       : certificate_source_look(source, looker);
    }
    run->batches[number] = batch;
}

/* --- On the caller's --- */

static void clear_batch(const struct run *run, size_t number)
{
    struct certificate_finding *batch = run->batches[number];
    for (size_t i = 0; batch != NULL && i < batch_size(run, number); i++) {
        certificate_finding_clear(&batch[i]);
    }
    free(batch);
    run->batches[number] = NULL;
}

static void hand_over(size_t number, void *context)
{
    struct run *run = context;
    struct certificate_finding *batch = run->batches[number];
    for (size_t i = 0; i < batch_size(run, number) && !atomic_load(&run->ended); i++) {
        struct certificate_finding finding = batch[i];
        batch[i] = (struct certificate_finding){0};
        if (!run->options->found(run->looks->items[number * run->batch + i], &finding,
                                 run->options->context)) {
            atomic_store(&run->ended, true);
        }
    }
    clear_batch(run, number);
}

static bool is_ended(void *context)
{
    return atomic_load(&((struct run *)context)->ended);
}

static size_t batch_of(size_t count)
{
    size_t batch = count / BATCHES;
    return batch < BATCH_MIN ? BATCH_MIN : batch > BATCH_MAX ? BATCH_MAX : batch;
}

void certificate_looks_run(struct certificate_looks *looks,
                           const struct certificate_looks_options *options)
{
    struct run run = {.looks = looks, .options = options, .batch = batch_of(looks->count)};
    size_t batches = (looks->count + run.batch - 1) / run.batch;
    run.batches = memory_zero(batches, sizeof(struct certificate_finding *));
    bool whole = parallel_run(&(struct parallel_jobs){
        .count = batches,
        .work = look,
        .own_new = looker_new,
        .own_free = looker_free,
        .take = hand_over,
        .ahead = FINDINGS_AHEAD / run.batch,
        .on_disk = options->quickly,
        .abandoned = is_ended,
        .context = &run,
    });
    for (size_t i = 0; !whole && i < batches; i++) {
        clear_batch(&run, i);
    }
    free(run.batches);
    certificate_looks_clear(looks);
}
