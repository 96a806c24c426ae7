#include "check_run.h"

#include "lib/base/parallel.h"

static void look(size_t number, void *own, void *context)
{
    (void)own;
    const struct check_run *run = context;
    struct check_item *item = &run->list->items[number];
    observer_look(run->observer, &item->domain, &item->observation);
    findings_judge(&item->observation, item->ours ? &item->expected : NULL, &item->findings);
}

static void take(size_t number, void *context)
{
    const struct check_run *run = context;
    run->take(&run->list->items[number], run->context);
    progress_show(&run->progress, "domains", number + 1, run->list->count);
}

void check_run(const struct check_run *run)
{
    (void)parallel_run(&(struct parallel_jobs){
        .count = run->list->count,
        .work = look,
        .take = take,
        .ahead = CHECK_AHEAD,
        .context = (void *)run,
        .threads = CHECK_THREADS,
    });
}
