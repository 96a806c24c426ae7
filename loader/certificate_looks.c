#include "certificate_looks.h"

#include <stdatomic.h>

#include "base/parallel.h"

/* A thread takes so many at a time, and at most so many times that wait to be handed over. */
enum { BATCH = 32, BATCHES_AHEAD = 256 };

struct run {
    const struct certificate_looks *looks;
    struct chain_pool *chains;
    const struct snapshot *snapshot;
    struct certificate_finding **batches; /* NULL: not looked at yet, or handed over */
    certificate_looks_found found;
    void *context;
    _Atomic bool ended;
};

void certificate_looks_add(struct certificate_looks *looks, struct certificate_source *source)
{
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(looks->items, looks->count, looks->capacity);
    looks->items[looks->count++] = source;
}

static size_t batch_size(const struct run *run, size_t number)
{
    size_t left = run->looks->count - number * BATCH;
    return left < BATCH ? left : BATCH;
}

/* Any thread. */
static void look(size_t number, void *context)
{
    struct run *run = context;
    size_t count = batch_size(run, number);
    struct certificate_finding *batch = memory_zero(count, sizeof(*batch));
    struct pair_reader *reader = pair_reader_new(run->chains);
    struct snapshot_cursor *cursor =
        run->snapshot != NULL ? snapshot_cursor_new(run->snapshot) : NULL;
    for (size_t i = 0; i < count; i++) {
        batch[i] = certificate_source_look(run->looks->items[number * BATCH + i], reader, cursor);
    }
    snapshot_cursor_free(cursor);
    pair_reader_free(reader);
    run->batches[number] = batch;
}

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
        if (!run->found(run->looks->items[number * BATCH + i], &finding, run->context)) {
            atomic_store(&run->ended, true);
        }
    }
    clear_batch(run, number);
}

static bool is_ended(void *context)
{
    return atomic_load(&((struct run *)context)->ended);
}

void certificate_looks_run(struct certificate_looks *looks, struct chain_pool *chains,
                           const struct snapshot *snapshot, certificate_looks_found found,
                           void *context)
{
    size_t batches = (looks->count + BATCH - 1) / BATCH;
    struct run run = {
        .looks = looks, .chains = chains, .snapshot = snapshot, .found = found, .context = context};
    run.batches = memory_zero(batches, sizeof(struct certificate_finding *));
    bool whole = parallel_run(&(struct parallel_jobs){
        .count = batches,
        .work = look,
        .take = hand_over,
        .ahead = BATCHES_AHEAD,
        .abandoned = is_ended,
        .context = &run,
    });
    for (size_t i = 0; !whole && i < batches; i++) {
        clear_batch(&run, i);
    }
    free(run.batches);
    free(looks->items);
    *looks = (struct certificate_looks){0};
}
