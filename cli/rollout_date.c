#include "rollout_date.h"

#include <time.h>

#include "lib/base/memory.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void join(struct policy_diff_mx *list, const struct policy_diff_mx *more)
{
    for (size_t i = 0; i < more->count; i++) {
        bool there = false;
        for (size_t j = 0; j < list->count && !there; j++) {
            there = bytes_equal(list->items[j], more->items[i]);
        }
        if (!there) {
            ARRAY_GROW(list->items, list->count, list->capacity);
            list->items[list->count++] = more->items[i];
        }
    }
}

void rollout_add(struct rollout *rollout, const struct policy *held, int64_t until_s)
{
    CLEANUP(policy_diff_clear) struct policy_diff diff;
    policy_diff_make(held, rollout->after, &diff);
    if (held->mode == POLICY_ENFORCE && policy_diff_needs_time(&diff)) {
        rollout->enforced_until_s = later(rollout->enforced_until_s, until_s);
        rollout->lowered = rollout->lowered || diff.mode_lowered;
        join(&rollout->enforced, &diff.uncovered);
    } else if (held->mode == POLICY_TESTING && diff.uncovered.count != 0) {
        rollout->reported_until_s = later(rollout->reported_until_s, until_s);
        join(&rollout->reported, &diff.uncovered);
    }
}

static void print_until(int64_t until_s, FILE *out)
{
    char date[32];
    time_t t = (time_t)until_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
    fprintf(out, "  until %s: ", date);
}

static void print_hosts(const struct policy_diff_mx *hosts, FILE *out)
{
    for (size_t i = 0; i < hosts->count; i++) {
        fprintf(out, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(hosts->items[i]));
    }
}

static const char *basis(const struct rollout *rollout)
{
    return rollout->guessed ? " (no history: by the max_age of the text that is replaced)" : "";
}

static void print_enforced(const struct rollout *rollout, FILE *out)
{
    int64_t until_s = later(rollout->enforced_until_s, rollout->floor_s);
    if (until_s <= rollout->now_s) {
        fprintf(out, "  no sender holds an older policy any more\n");
        return;
    }
    print_until(until_s, out);
    fprintf(out, "keep the old MX hosts");
    if (rollout->enforced.count != 0) {
        fprintf(out, ", route no mail to ");
        print_hosts(&rollout->enforced, out);
    }
    if (rollout->lowered) {
        fprintf(out, ", senders may still apply mode enforce");
    }
    fprintf(out, "%s\n", basis(rollout));
}

void rollout_print(const struct rollout *rollout, FILE *out)
{
    if (rollout->enforced_until_s != 0) {
        print_enforced(rollout, out);
    }
    if (rollout->reported_until_s > rollout->now_s) {
        print_until(rollout->reported_until_s, out);
        fprintf(out, "senders with an older policy of mode testing deliver to ");
        print_hosts(&rollout->reported, out);
        fprintf(out, ", and may report it%s\n", basis(rollout));
    }
}

void rollout_print_gone(int64_t until_s, FILE *out)
{
    print_until(until_s, out);
    fprintf(out, "senders may still apply its policy: keep its MX hosts, and serve mode none until "
                 "then\n");
}

void rollout_clear(struct rollout *rollout)
{
    free(rollout->enforced.items);
    free(rollout->reported.items);
    *rollout = (struct rollout){0};
}
