/* Names that several files claim: who is asked about them, and what comes of it. */
#include <stdlib.h>

#include "policies/files/catalogue_parts.h"

struct contests {
    struct catalogue_contest *items;
    size_t count;
    size_t capacity;
};

static void clear_contests(struct contests *contests)
{
    for (size_t i = 0; i < contests->count; i++) {
        free((char *)contests->items[i].subject.p);
    }
    free(contests->items);
}

static size_t count_counting(const struct catalogue_name *claims, size_t count)
{
    size_t counting = 0;
    for (size_t i = 0; i < count; i++) {
        counting += claims[i].file->counts;
    }
    return counting;
}

static void add(struct contests *contests, const char *prefix, struct catalogue_name *claims,
                size_t count)
{
    struct bytes name = claims->entry->name;
    ARRAY_GROW(contests->items, contests->count, contests->capacity);
    contests->items[contests->count++] = (struct catalogue_contest){
        .subject = bytes_of(memory_printf("%s%.*s", prefix, BYTES_ARG(name))),
        .claims = claims,
        .count = count,
    };
}

/* Whether something that was to be read could not be: then any name may be claimed there as well.
 */
static bool is_something_unread(const struct catalogue *catalogue)
{
    bool unread = false;
    for (size_t i = 0; i < catalogue->top_count; i++) {
        unread = unread || catalogue->tops[i].unreadable;
    }
    for (size_t i = 0; i < catalogue->file_count; i++) {
        unread = unread || !catalogue->files[i].parsed;
    }
    return unread;
}

/* Names with at least LEAST claims. PREFIX is "@" for shared policies. */
static void find_contests(struct catalogue_names *names, const char *prefix, size_t least,
                          struct contests *contests)
{
    for (size_t first = 0; first < names->count;) {
        size_t count = catalogue_names_run(names, first);
        if (count >= least && count_counting(&names->items[first], count) != 0) {
            add(contests, prefix, &names->items[first], count);
        }
        first += count;
    }
}

static struct catalogue_owner *ask(const struct contests *contests,
                                   const struct catalogue_options *options)
{
    struct catalogue_owner *owners = memory_zero(contests->count, sizeof(*owners));
    CLEANUP_FREE struct bytes *names = memory_zero(contests->count, sizeof(*names));
    for (size_t i = 0; i < contests->count; i++) {
        names[i] = contests->items[i].subject;
    }
    if (options->owners_of != NULL) {
        options->owners_of(names, contests->count, owners, options->context);
    }
    return owners;
}

static void tell(const struct catalogue_contest *contest, const struct catalogue_name *claim,
                 const char *where, const char *place, const char *too)
{
    bool shared = contest->subject.p[0] == '@';
    const struct policy_file_place *at = &claim->entry->place;
    diagnostics_add(&claim->file->problems, SEVERITY_ERROR, claim->file->path, at->line, at->column,
                    "%s %.*s is %s %s%s; remove one of them", shared ? "policy" : "domain",
                    BYTES_ARG(claim->entry->name), where, place, too);
}

static const struct catalogue_name *other_claim(const struct catalogue_contest *contest,
                                                const struct catalogue_name *claim)
{
    for (size_t i = 0; i < contest->count; i++) {
        if (&contest->claims[i] != claim && contest->claims[i].file->counts) {
            return &contest->claims[i];
        }
    }
    return NULL;
}

/* Each place names another one. A file in error is told as that, and has no claim here. */
static void dispute(const struct catalogue_contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        struct catalogue_name *claim = &contest->claims[i];
        const struct catalogue_name *other = other_claim(contest, claim);
        if (claim->file->counts && other != NULL) {
            CLEANUP_FREE char *place = catalogue_claim_place(other);
            claim->disputed = true;
            tell(contest, claim, "in", place, " too");
        }
    }
}

/* True: a file was. They count until the round is over: what is decided about one name in it does
 * not depend on another. */
static bool refuse(const struct catalogue_contest *contest, const struct catalogue_verdict *verdict)
{
    bool refused = false;
    for (size_t i = 0; i < contest->count; i++) {
        const struct catalogue_name *claim = &contest->claims[i];
        if (claim->file->counts && claim != verdict->claim) {
            refused = true;
            claim->file->refused = true;
            tell(contest, claim, "already in", verdict->place, "");
        }
    }
    return refused;
}

static bool settle(const struct catalogue *catalogue, struct catalogue_contest *contest,
                   const struct catalogue_owner *owner)
{
    struct catalogue_verdict verdict;
    catalogue_owner_decide(catalogue, contest, owner, &verdict);
    contest->settled = !verdict.disputed;
    bool refused = contest->settled && refuse(contest, &verdict);
    free(verdict.place);
    return refused;
}

/* True: files were refused, which are no party to other names any more. */
static bool settle_all(struct catalogue *catalogue, const struct contests *contests,
                       const struct catalogue_owner *owners)
{
    bool refused = false;
    for (size_t i = 0; i < contests->count; i++) {
        if (!contests->items[i].settled) {
            refused = settle(catalogue, &contests->items[i], &owners[i]) || refused;
        }
    }
    for (size_t i = 0; i < catalogue->file_count; i++) {
        catalogue->files[i].counts = catalogue->files[i].counts && !catalogue->files[i].refused;
    }
    return refused;
}

void catalogue_conflicts_settle(struct catalogue *catalogue,
                                const struct catalogue_options *options)
{
    CLEANUP(clear_contests) struct contests contests = {0};
    size_t least = is_something_unread(catalogue) && options->owners_of != NULL ? 1 : 2;
    find_contests(&catalogue->policies, "@", least, &contests);
    find_contests(&catalogue->domains, "", least, &contests);
    if (contests.count == 0) {
        return;
    }
    CLEANUP_FREE struct catalogue_owner *owners = ask(&contests, options);
    catalogue_owner_prepare(catalogue);
    while (settle_all(catalogue, &contests, owners)) {
    }
    for (size_t i = 0; i < contests.count; i++) {
        if (!contests.items[i].settled) {
            dispute(&contests.items[i]);
        }
    }
}
