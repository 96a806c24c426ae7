/* The guard against removals that nobody meant: an unmounted or emptied tree, a generator that
 * broke off. */
#include "loader/policy_set_parts.h"

/* Most of what is changing comes with a round of its own, sooner than this. */
enum { LOOK_AGAIN_MS = 500 };

/* How many domains of FILE nobody would serve. */
static size_t count_losses(const struct set_file *file)
{
    size_t count = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        count += !set_file_stands(file->domains[i].domain->claimant);
    }
    return count;
}

static size_t count_gains(const struct set_file *file)
{
    size_t count = 0;
    for (size_t i = 0; i < file->offer->domain_count; i++) {
        count += file->offer->domains[i].domain->owner == NULL;
    }
    return count;
}

static void hold(struct policy_set *set, struct set_file *file)
{
    file->held = true;
    set_claims_refuse(set, file, NULL, false, BYTES(""));
}

/* What is held stays held until it is accepted, its file changes, or nothing is lost by it. And
 * what vanishes beside what has vanished and is held is most likely the same accident, seen later:
 * a large tree takes a while to go. */
static bool is_held_already(const struct policy_set *set, const struct set_file *file)
{
    return file->was_held || (file->gone && set->tops[file->top].held_gone != 0);
}

static bool may_wait(const struct set_file *file, int64_t now_ms)
{
    return !file->was_held &&
           (file->postponed_ms == 0 || now_ms - file->postponed_ms < POLICY_SET_POSTPONED_MS);
}

static void postpone(struct policy_set *set, struct set_file *file, int64_t now_ms)
{
    file->postponed = true;
    file->postponed_ms = file->postponed_ms != 0 ? file->postponed_ms : now_ms;
    set->look_again_ms = now_ms + LOOK_AGAIN_MS;
    set_claims_refuse(set, file, NULL, false, BYTES(""));
}

bool set_guard_postpone(struct policy_set *set, int64_t now_ms)
{
    bool postponed = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (!file->accepted || count_losses(file) == 0 || !may_wait(file, now_ms)) {
            continue;
        }
        if (set->changing == NULL || !set->changing(set->changing_context)) {
            return postponed;
        }
        postpone(set, file, now_ms);
        postponed = true;
    }
    return postponed;
}

static bool is_too_much(const struct policy_set *set, size_t removed, size_t of)
{
    return removed >= (size_t)set->removal_domains && removed != 0 &&
           (double)removed * 100 > (double)of * (double)set->removal_percent;
}

/* Domains of files that have vanished and whose time is not up: the rest of a tree that is going
 * counts together with what is taken away now. */
static size_t count_going(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->gone.count; i++) {
        const struct set_file *file = set->gone.items[i];
        count += file->gone && !file->in_round ? file->domain_count : 0;
    }
    return count;
}

bool set_guard_check(struct policy_set *set)
{
    size_t lost = 0;
    size_t gained = 0;
    bool vanished = false;
    bool held = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (!file->accepted) {
            continue;
        }
        file->loses = count_losses(file);
        if (file->loses != 0 && is_held_already(set, file)) {
            hold(set, file);
            held = true;
            continue;
        }
        lost += file->loses;
        gained += count_gains(file);
        vanished = vanished || (file->gone && file->loses != 0);
    }
    if (held || lost == 0) {
        return held;
    }
    size_t removed = lost + (vanished ? count_going(set) : 0);
    size_t after = set->owned + gained - lost;
    size_t of = set->owned > after ? set->owned : after;
    if (!set->guard_tripped && !is_too_much(set, removed, of)) {
        return false;
    }
    if (!set->guard_tripped) {
        set->guard_tripped = true;
        set->tripped_domains = removed;
        set->tripped_of = of;
    }
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (file->accepted && file->loses != 0) {
            hold(set, file);
            held = true;
        }
    }
    return held;
}
