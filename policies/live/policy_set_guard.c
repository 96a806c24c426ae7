/* The guard against removals that nobody meant: an unmounted or emptied tree, a generator that
 * broke off, a writer that was looked at half-way. */
#include "policies/live/policy_set_parts.h"

static struct bytes domain_name(const struct policy_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
}

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
           options->is_free(domain_name(domain), options->context);
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

/* --- While more is changing --- */

static bool is_changing(const struct policy_set *set)
{
    return set->options.changing != NULL && set->options.changing(set->options.context);
}

static bool may_wait(const struct policy_set *set, const struct set_file *file)
{
    return !file->was_held &&
           (file->postponed_ms == 0 || set->now_ms - file->postponed_ms < POLICY_SET_POSTPONED_MS);
}

/* Lets FILE wait where domains would go that may stand in a file that was looked at too early. */
static bool postpone(struct policy_set *set, struct set_file *file)
{
    if (count_losses(file) == 0 || !may_wait(set, file) || !is_changing(set)) {
        return false;
    }
    file->postponed_ms = file->postponed_ms != 0 ? file->postponed_ms : set->now_ms;
    set_claims_take_out(set, file, EVENT_LATER);
    return true;
}

/* --- While its writer is at work --- */

static bool loses_shared(const struct set_file *file)
{
    for (size_t i = 0; i < file->shared_count; i++) {
        if (!set_file_stands(file->shared[i]->claimant)) {
            return true;
        }
    }
    return false;
}

/* Whether the offer of FILE takes something away from what is served: a domain, a shared policy's
 * or a domain's mx, a mode or a max_age lowered. */
static bool takes_away(const struct set_file *file)
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
        const struct policy *before = shared->slot != NULL ? shared->slot->policy : shared->former;
        const struct policy *after = offer->shared[i].policy;
        if (before != NULL && after != NULL && write_rule_narrows(before, after)) {
            return true;
        }
    }
    return loses_shared(file) || count_losses(file) != 0;
}

/* Takes FILE out where its text may not be whole and takes something away. */
static bool doubt(struct policy_set *set, struct set_file *file)
{
    const struct write_facts facts = set_file_writing(set, file);
    enum write_verdict verdict = write_rule(&facts);
    if (file->offer->absent || verdict == WRITE_COUNTS || !takes_away(file)) {
        return false;
    }
    set_claims_take_out(set, file, verdict == WRITE_UNFINISHED ? EVENT_OPEN : EVENT_UNSETTLED);
    return true;
}

/* --- Too much at once --- */

static bool hold(struct policy_set *set, struct set_file *file)
{
    file->loses = count_losses(file);
    set_claims_take_out(set, file, EVENT_TOO_MUCH);
    return true;
}

/* What lay in a directory that has nothing left is held however little it is: nobody can tell
 * whether that is the directory that was meant. */
static bool is_away(const struct policy_set *set, const struct set_file *file)
{
    return file->offer->absent && set_file_is_away(set, file) &&
           (loses_shared(file) || count_losses(file) != count_free(set, file));
}

/* What is held stays held until it is accepted, its file changes, or nothing is lost by it. And
 * what vanishes beside what has vanished and is held is most likely the same accident, seen later:
 * a large tree takes a while to go. Neither where a file that is empty on purpose stands beside it.
 */
static bool is_held_already(const struct policy_set *set, const struct set_file *file)
{
    const struct set_top *top = &set->tops[file->top];
    if (file->offer->absent) {
        return (file->was_held || top->held_gone != 0) && !top->is_meant;
    }
    return file->was_held;
}

static bool is_too_much(const struct policy_set *set, size_t removed, size_t of)
{
    return removed >= (size_t)set->options.removal_domains && removed != 0 &&
           (double)removed * 100 > (double)of * (double)set->options.removal_percent;
}

/* Domains of files that have vanished and whose time is not up: the rest of a tree that is going
 * counts together with what is taken away now. */
static size_t count_going(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->work.count; i++) {
        const struct set_file *file = set->work.items[i];
        count += file->state == FILE_VANISHED ? file->domain_count : 0;
    }
    return count;
}

/* What the round removes, of all that stands in it. */
struct removal {
    size_t lost;
    size_t gained;
    bool vanished;
};

static void count_file(struct set_file *file, struct removal *removal)
{
    removal->gained += count_gains(file);
    file->loses = count_losses(file);
    removal->lost += file->loses;
    removal->vanished = removal->vanished || (file->offer->absent && file->loses != 0);
}

/* What is free to go is asked of the history, for each domain: only where it decides. */
static size_t count_all_free(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        const struct set_file *file = set->round.items[i];
        count += set_file_stands(file) && file->loses != 0 ? count_free(set, file) : 0;
    }
    return count;
}

static bool trips(const struct policy_set *set, const struct removal *removal)
{
    size_t after = set->owned + removal->gained - removal->lost;
    size_t of = set->owned > after ? set->owned : after;
    size_t removed = removal->lost + (removal->vanished ? count_going(set) : 0);
    return is_too_much(set, removed, of) && is_too_much(set, removed - count_all_free(set), of);
}

static bool hold_what_is_too_much(struct policy_set *set)
{
    struct removal removal = {0};
    bool held = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (!set_file_stands(file) || set_accepts(set, file)) {
            continue;
        }
        count_file(file, &removal);
        bool loses = file->loses != 0 || (file->offer->absent && loses_shared(file));
        if (loses && (is_held_already(set, file) || is_away(set, file))) {
            held = hold(set, file);
        }
    }
    if (held || removal.lost == 0) {
        return held;
    }
    set->guard_tripped = set->guard_tripped || trips(set, &removal);
    for (size_t i = 0; i < set->round.count && set->guard_tripped; i++) {
        struct set_file *file = set->round.items[i];
        if (set_file_stands(file) && !set_accepts(set, file) && file->loses != 0) {
            held = hold(set, file);
        }
    }
    return held;
}

bool set_guard(struct policy_set *set)
{
    bool out = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (set_file_stands(file) && !set_accepts(set, file)) {
            out = postpone(set, file) || doubt(set, file) || out;
        }
    }
    return out || hold_what_is_too_much(set);
}
