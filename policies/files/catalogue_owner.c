/* Which of several claims to a name counts, by what is said of its owner. */
#include <stdlib.h>

#include "lib/base/file.h"
#include "policies/files/catalogue_parts.h"
#include "policies/model/ownership.h"

/* --- Which file of ours the owner is --- */

enum likeness {
    LIKE_NOT,
    LIKE_PART, /* a part of the owner's tree was named: its path below ends as the owner's does */
    LIKE_BELOW,
    LIKE_SAME,
};

/* A path below an entry, or the entry's own name where that is the file. */
static struct bytes shown_below(struct bytes below, struct bytes entry)
{
    size_t n = 0;
    while (n < entry.n && entry.p[entry.n - n - 1] != '/') {
        n++;
    }
    return below.n != 0 ? below : (struct bytes){entry.p + entry.n - n, n};
}

static struct bytes below_of(const struct catalogue *catalogue, const struct catalogue_file *file)
{
    return shown_below(bytes_of(catalogue_file_below(catalogue, file)),
                       bytes_of(catalogue->tops[file->top].entry));
}

static int by_below(const void *left, const void *right)
{
    const struct catalogue_place *a = left;
    const struct catalogue_place *b = right;
    int order = bytes_compare(a->below, b->below);
    return order != 0 ? order : (a->file > b->file) - (a->file < b->file);
}

void catalogue_owner_prepare(struct catalogue *catalogue)
{
    catalogue->places = memory_zero(catalogue->file_count + 1, sizeof(catalogue->places[0]));
    for (size_t i = 0; i < catalogue->file_count; i++) {
        struct catalogue_file *file = &catalogue->files[i];
        catalogue->places[i] = (struct catalogue_place){below_of(catalogue, file), file};
    }
    qsort(catalogue->places, catalogue->file_count, sizeof(catalogue->places[0]), by_below);
}

/* The first place that is not before BELOW. */
static size_t first_place(const struct catalogue *catalogue, struct bytes below)
{
    size_t low = 0;
    size_t high = catalogue->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = bytes_compare(catalogue->places[middle].below, below) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

/* Whether PATH is TAIL, or ends with it after a slash. */
static bool ends_with_path(struct bytes path, struct bytes tail)
{
    return bytes_ends_with(path, tail) &&
           (path.n == tail.n || (path.n > tail.n && path.p[path.n - tail.n - 1] == '/'));
}

static enum likeness likeness_of(const struct catalogue *catalogue,
                                 const struct catalogue_file *file,
                                 const struct catalogue_owner *owner)
{
    struct bytes top = bytes_of(catalogue->tops[file->top].entry);
    struct bytes path = bytes_of(catalogue_file_below(catalogue, file));
    struct bytes mine = below_of(catalogue, file);
    struct bytes owners = shown_below(owner->path, owner->entry);
    if (bytes_equal(mine, owners)) {
        return bytes_equal(top, owner->entry) && bytes_equal(path, owner->path) ? LIKE_SAME
                                                                                : LIKE_BELOW;
    }
    return ends_with_path(owners, mine) && ends_with_path(bytes_of(file->path), owners) ? LIKE_PART
                                                                                        : LIKE_NOT;
}

static bool has_entry(const struct catalogue *catalogue, struct bytes entry)
{
    bool found = false;
    for (size_t i = 0; i < catalogue->top_count; i++) {
        found = found || bytes_equal(bytes_of(catalogue->tops[i].entry), entry);
    }
    return found;
}

struct likest {
    struct catalogue_file *file;
    enum likeness likeness; /* of it */
    bool ambiguous;         /* others are as much like the owner */
};

/* Files whose path below is BELOW. */
static void compare_at(const struct catalogue *catalogue, const struct catalogue_owner *owner,
                       struct bytes below, struct likest *likest)
{
    for (size_t i = first_place(catalogue, below);
         i < catalogue->file_count && bytes_equal(catalogue->places[i].below, below); i++) {
        struct catalogue_file *file = catalogue->places[i].file;
        enum likeness this = likeness_of(catalogue, file, owner);
        if (this > likest->likeness) {
            *likest = (struct likest){file, this, false};
        } else if (likest->file != NULL && this == likest->likeness) {
            likest->ambiguous = true;
        }
    }
}

/* The file that is most like the owner; *RET_AMBIGUOUS: several are. Where the owner's entry is one
 * of ours no file below another one is it. Only files at the end of the owner's path are like it.
 */
static struct catalogue_file *find_file(const struct catalogue *catalogue,
                                        const struct catalogue_owner *owner, bool *ret_ambiguous)
{
    struct likest likest = {.likeness = has_entry(catalogue, owner->entry) ? LIKE_BELOW : LIKE_NOT};
    struct bytes end = shown_below(owner->path, owner->entry);
    while (end.n != 0) {
        compare_at(catalogue, owner, end, &likest);
        const char *slash = memchr(end.p, '/', end.n);
        end = bytes_skip(end, slash != NULL ? (size_t)(slash - end.p) + 1 : end.n);
    }
    *ret_ambiguous = likest.ambiguous;
    return likest.file;
}

/* Mostly it is one of those that claim the name. */
static struct catalogue_file *find_claimant(const struct catalogue *catalogue,
                                            const struct catalogue_contest *contest,
                                            const struct catalogue_owner *owner)
{
    for (size_t i = 0; i < contest->count; i++) {
        if (likeness_of(catalogue, contest->claims[i].file, owner) == LIKE_SAME) {
            return contest->claims[i].file;
        }
    }
    return NULL;
}

/* --- What has become of it --- */

static const struct catalogue_name *claim_of(const struct catalogue_contest *contest,
                                             const struct catalogue_file *file)
{
    for (size_t i = 0; i < contest->count; i++) {
        if (contest->claims[i].file == file) {
            return &contest->claims[i];
        }
    }
    return NULL;
}

/* Whether the entry that the owner lay in is away; where we do not have it under that name, whether
 * one of ours is. */
static bool is_away(const struct catalogue *catalogue, const struct catalogue_owner *owner)
{
    bool away = false;
    for (size_t i = 0; i < catalogue->top_count; i++) {
        const struct catalogue_top *top = &catalogue->tops[i];
        bool this = top->unreadable || top->files == 0;
        if (bytes_equal(bytes_of(top->entry), owner->entry)) {
            return this;
        }
        away = away || this;
    }
    return away;
}

static enum owner_state state_of(const struct catalogue *catalogue,
                                 const struct catalogue_contest *contest,
                                 const struct catalogue_owner *owner,
                                 const struct catalogue_file *file)
{
    if (file == NULL) {
        return is_away(catalogue, owner) ? OWNER_AWAY : OWNER_LETS_GO;
    }
    return claim_of(contest, file) != NULL || !file->counts ? OWNER_CLAIMS : OWNER_LETS_GO;
}

/* --- The verdict --- */

static const struct policy *text_of(const struct catalogue *catalogue,
                                    const struct catalogue_name *claim)
{
    size_t count = 0;
    struct bytes shared = claim->entry->shared;
    if (shared.n == 0) {
        return claim->entry->policy;
    }
    const struct policy_file_entry *own = policy_file_find_policy(&claim->file->file, shared);
    const struct catalogue_name *found = catalogue_names_find(&catalogue->policies, shared, &count);
    while (count > 1 && !found->file->counts) { /* a copy that was refused */
        found++;
        count--;
    }
    const struct policy_file_entry *entry = own != NULL || found == NULL ? own : found->entry;
    return entry != NULL ? entry->policy : NULL;
}

static bool has_text(const struct catalogue *catalogue, const struct catalogue_name *claim,
                     const struct catalogue_owner *owner)
{
    const struct policy *policy = text_of(catalogue, claim);
    return policy != NULL && memcmp(policy->digest, owner->digest, sizeof(owner->digest)) == 0;
}

char *catalogue_claim_place(const struct catalogue_name *claim)
{
    return memory_printf("%s:%u:%u", claim->file->path, claim->entry->place.line,
                         claim->entry->place.column);
}

/* Where the name stands although no claim to it counts: in a file that is in error, or away. */
static char *place_of_owner(const struct catalogue_owner *owner, const struct catalogue_file *file)
{
    if (file != NULL) {
        return memory_string(file->path);
    }
    return memory_printf("%.*s%s%.*s", BYTES_ARG(owner->entry), owner->path.n != 0 ? "/" : "",
                         BYTES_ARG(owner->path));
}

/* Those of files that count; *RET_NUMBERS: which of the contest's they are. */
static size_t list_claims(const struct catalogue *catalogue,
                          const struct catalogue_contest *contest,
                          const struct catalogue_owner *owner, struct name_claim *ret_claims,
                          size_t *ret_numbers)
{
    size_t count = 0;
    for (size_t i = 0; i < contest->count; i++) {
        if (contest->claims[i].file->counts) {
            ret_claims[count].text_that_stands = has_text(catalogue, &contest->claims[i], owner);
            ret_numbers[count++] = i;
        }
    }
    return count;
}

static void decide(const struct catalogue *catalogue, const struct catalogue_contest *contest,
                   const struct catalogue_owner *owner, const struct catalogue_file *file,
                   struct catalogue_verdict *verdict)
{
    size_t number = 0;
    CLEANUP_FREE struct name_claim *claims = memory_zero(contest->count, sizeof(claims[0]));
    CLEANUP_FREE size_t *numbers = memory_zero(contest->count, sizeof(numbers[0]));
    size_t count = list_claims(catalogue, contest, owner, claims, numbers);
    switch (ownership_decide(state_of(catalogue, contest, owner, file), claims, count, &number)) {
    case OWNERSHIP_STAYS:
        verdict->claim = claim_of(contest, file);
        break;
    case OWNERSHIP_MOVES:
        verdict->claim = &contest->claims[numbers[number]];
        break;
    default:
        verdict->disputed = true;
    }
}

void catalogue_owner_decide(const struct catalogue *catalogue,
                            const struct catalogue_contest *contest,
                            const struct catalogue_owner *owner,
                            struct catalogue_verdict *ret_verdict)
{
    bool ambiguous = false;
    *ret_verdict = (struct catalogue_verdict){.disputed = !owner->known};
    if (!owner->known) {
        return;
    }
    struct catalogue_file *file = find_claimant(catalogue, contest, owner);
    if (file == NULL) {
        file = find_file(catalogue, owner, &ambiguous);
    }
    if (ambiguous) {
        ret_verdict->disputed = true;
        return;
    }
    decide(catalogue, contest, owner, file, ret_verdict);
    if (!ret_verdict->disputed) {
        ret_verdict->place = ret_verdict->claim != NULL ? catalogue_claim_place(ret_verdict->claim)
                                                        : place_of_owner(owner, file);
    }
}
