#include "check_watch.h"

#include <time.h>

#include "cli/check_view.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "lib/base/time_text.h"

struct round {
    const struct check_watch *watch;
    struct check_printer printer;
    struct findings *before; /* of each item */
    bool first;
    bool told; /* the time of this round */
};

static void tell(struct round *round, char sign, const struct check_item *item,
                 const struct finding *finding)
{
    if (round->watch->json) {
        json_t *change =
            json_pack("{s:I, s:s, s:s, s:o}", "time", (json_int_t)item->observation.time_s,
                      "domain", item->domain.text, "change", sign == '+' ? "found" : "gone",
                      "finding", check_json_finding(finding));
        CLEANUP_FREE char *text = safe_json_dump(change, JSON_COMPACT);
        printf("%s\n", text);
        json_decref(change);
        return;
    }
    if (!round->told) {
        printf("%s\n", time_text_moment(clock_wall_s()).text);
        round->told = true;
    }
    check_print_change(&round->printer, sign, item->domain.text, finding);
}

static void compare(struct check_item *item, void *context)
{
    struct round *round = context;
    struct findings *before = &round->before[item - round->watch->list->items];
    if (round->first && !round->watch->json) {
        check_print_item(&round->printer, item);
        observation_clear(&item->observation);
        return;
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!findings_have(&item->findings, &before->items[i])) {
            tell(round, '-', item, &before->items[i]);
        }
    }
    for (size_t i = 0; i < item->findings.count; i++) {
        if (!findings_have(before, &item->findings.items[i])) {
            tell(round, '+', item, &item->findings.items[i]);
        }
    }
    findings_clear(before);
    observation_clear(&item->observation);
    (void)fflush(stdout);
}

void check_watch(const struct check_watch *watch)
{
    struct check_list *list = watch->list;
    struct round round = {
        .watch = watch,
        .printer = check_printer_make(stdout),
        .before = memory_zero(list->count, sizeof(*round.before)),
    };
    struct check_run run = {
        .list = list, .observer = watch->observer, .take = compare, .context = &round};
    for (round.first = true; ferror(stdout) == 0; round.first = false) {
        struct timespec pause = {.tv_sec = watch->interval_s};
        for (size_t i = 0; i < list->count; i++) {
            round.before[i] = list->items[i].findings;
            list->items[i].findings = (struct findings){0};
        }
        round.told = false;
        check_run(&run);
        if (fflush(stdout) == 0) {
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        findings_clear(&round.before[i]);
    }
    free(round.before);
}
