/* The guard against removals that nobody meant: an unmounted or emptied tree, a generator that
 * broke off, a writer that was looked at half-way. */
#include "policies/live/policy_set_parts.h"
#include "policies/live/removal_rule.h"

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

/* A domain of mode none that no sender can hold another policy of. */
static bool is_free(const struct policy_set *set, const struct policy_domain *domain)
{
    const struct policy_set_options *options = &set->options;
    const struct policy *text = set_domain_text(domain);
    return text != NULL && text->mode == POLICY_NONE && options->is_free != NULL &&
           options->is_free(policy_domain_name(domain), options->context);
}

static size_t count_free(const struct policy_set *set, const struct set_file *file)
{
    size_t count = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        const struct policy_domain *domain = file->domains[i].domain;
        count += !set_file_stands(domain->claimant) && is_free(set, domain);
    }
    return count;
}

/* --- What an offer takes away --- */

static bool loses_shared(const struct set_file *file)
{
    for (size_t i = 0; i < file->shared_count; i++) {
        if (!set_file_stands(file->shared[i]->claimant)) {
            return true;
        }
    }
    return false;
}

/* Whether a text of FILE's offer says less than the one that is served. */
static bool narrows(const struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->domain_count; i++) {
        const struct policy_domain *domain = offer->domains[i].domain;
        const struct policy *before = domain->owner != NULL ? set_domain_text(domain) : NULL;
        const struct policy *after = set_offer_text(&offer->domains[i]);
        if (before != NULL && after != NULL && write_rule_narrows(before, after)) {
            return true;
        }
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        const struct set_shared *shared = offer->shared[i].shared;
        const struct policy *before = set_shared_served(shared);
        const struct policy *after = offer->shared[i].policy;
        if (before != NULL && after != NULL && write_rule_narrows(before, after)) {
            return true;
        }
    }
    return false;
}

/* --- What is to wait --- */

static struct removal_facts facts_of(const struct policy_set *set, const struct set_file *file)
{
    struct removal_facts facts = {
        .lost = count_losses(file),
        .loses_shared = loses_shared(file),
        .is_gone = file->offer->absent,
        .is_away = file->offer->absent && set_file_is_away(set, file),
        .is_beside_held = set->tops[file->top].held_gone != 0,
        .is_meant = set->tops[file->top].is_meant,
        .was_held = file->was_held,
    };
    facts.free = facts.is_away && facts.lost != 0 ? count_free(set, file) : 0;
    return facts;
}

static enum removal_verdict waits(const struct policy_set *set, const struct set_file *file)
{
    struct removal_facts facts = facts_of(set, file);
    const struct write_facts written = set_file_writing(set, file);
    facts.was_postponed = file->postponed_ms != 0;
    facts.postponed_ms = set->now_ms - file->postponed_ms;
    facts.writing = write_rule(&written);
    /* Dear to find out: asked only where it decides. */
    facts.changing = facts.lost != 0 && set->options.changing != NULL &&
                     set->options.changing(set->options.context);
    facts.narrows = facts.writing != WRITE_COUNTS && narrows(file);
    return removal_rule_waits(&facts);
}

static enum removal_verdict holds(const struct policy_set *set, const struct set_file *file)
{
    const struct removal_facts facts = facts_of(set, file);
    return removal_rule_holds(&facts);
}

static const enum file_event events[] = {
    [REMOVAL_LATER] = EVENT_LATER,
    [REMOVAL_UNSETTLED] = EVENT_UNSETTLED,
    [REMOVAL_OPEN] = EVENT_OPEN,
    [REMOVAL_HELD] = EVENT_TOO_MUCH,
};

/* Takes FILE's offer out of this round, unless it COUNTS. */
static bool follow(struct policy_set *set, struct set_file *file, enum removal_verdict verdict)
{
    if (verdict == REMOVAL_COUNTS) {
        return false;
    }
    if (verdict == REMOVAL_LATER && file->postponed_ms == 0) {
        file->postponed_ms = set->now_ms;
    }
    file->loses = count_losses(file);
    set_event(set, file, events[verdict]);
    return true;
}

/* Takes out what RULE says of each offer that stands and that nobody accepts. True: there was some,
 * and what stood on it is to be settled again. */
static bool ask_each(struct policy_set *set,
                     enum removal_verdict (*rule)(const struct policy_set *set,
                                                  const struct set_file *file))
{
    bool out = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (set_file_stands(file) && !set_accepts(set, file)) {
            out = follow(set, file, rule(set, file)) || out;
        }
    }
    return out;
}

/* --- Too much at once --- */

/* Domains of files that are gone and whose time is not up. */
static size_t count_going(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->work.count; i++) {
        const struct set_file *file = set->work.items[i];
        count += file->state == FILE_VANISHED ? file->domain_count : 0;
    }
    return count;
}

static bool loses(const struct policy_set *set, const struct set_file *file)
{
    return set_file_stands(file) && !set_accepts(set, file) && count_losses(file) != 0;
}

static struct removal_sums sum_up(const struct policy_set *set)
{
    bool some_gone = false;
    struct removal_sums sums = {
        .served = set->owned,
        .at_least = (size_t)set->options.removal_domains,
        .percent = (size_t)set->options.removal_percent,
    };
    for (size_t i = 0; i < set->round.count; i++) {
        const struct set_file *file = set->round.items[i];
        if (set_file_stands(file) && !set_accepts(set, file)) {
            size_t lost = count_losses(file);
            sums.gained += count_gains(file);
            sums.lost += lost;
            some_gone = some_gone || (file->offer->absent && lost != 0);
        }
    }
    sums.going = some_gone ? count_going(set) : 0;
    return sums;
}

/* What is free to go is asked of the history, for each domain: only where it decides. */
static bool is_too_much(const struct policy_set *set)
{
    struct removal_sums sums = sum_up(set);
    if (!removal_rule_is_too_much(&sums)) {
        return false;
    }
    for (size_t i = 0; i < set->round.count; i++) {
        const struct set_file *file = set->round.items[i];
        sums.free += loses(set, file) ? count_free(set, file) : 0;
    }
    return removal_rule_is_too_much(&sums);
}

static bool hold_what_loses(struct policy_set *set)
{
    bool held = false;
    set->guard_tripped = set->guard_tripped || is_too_much(set);
    for (size_t i = 0; i < set->round.count && set->guard_tripped; i++) {
        struct set_file *file = set->round.items[i];
        held = (loses(set, file) && follow(set, file, REMOVAL_HELD)) || held;
    }
    return held;
}

bool set_guard(struct policy_set *set)
{
    return ask_each(set, waits) || ask_each(set, holds) || hold_what_loses(set);
}
