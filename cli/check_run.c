#include "check_run.h"

#include <stdatomic.h>
#include <stdio.h>

#include "lib/base/parallel.h"

enum { BAR_WIDTH = 40 };

struct work {
    const struct check_run *run;
    _Atomic size_t done;
};

static void show_progress(struct work *work)
{
    static const char full[] = "########################################";
    size_t count = work->run->list->count;
    size_t done = atomic_fetch_add(&work->done, 1) + 1;
    if (!work->run->progress) {
        return;
    }
    fprintf(stderr, "\r[%-*.*s] %zu of %zu", BAR_WIDTH, (int)(done * BAR_WIDTH / count), full, done,
            count);
    if (done == count) {
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 30, "");
    }
}

static void look(size_t number, void *own, void *context)
{
    (void)own;
    struct work *work = context;
    struct check_item *item = &work->run->list->items[number];
    observer_look(work->run->observer, &item->domain, &item->observation);
    findings_judge(&item->observation, item->ours ? &item->expected : NULL, &item->findings);
    show_progress(work);
}

static void take(size_t number, void *context)
{
    const struct work *work = context;
    work->run->take(&work->run->list->items[number], work->run->context);
}

void check_run(const struct check_run *run)
{
    struct work work = {.run = run};
    (void)parallel_run(&(struct parallel_jobs){
        .count = run->list->count,
        .work = look,
        .take = take,
        .ahead = CHECK_AHEAD,
        .context = &work,
        .threads = CHECK_THREADS,
    });
}
