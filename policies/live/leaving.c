#include "leaving.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policies/model/policy_text.h"

enum {
    TEXTS_MAX = 1000, /* of one domain */
    NAMES_LOGGED = 10,
    GONE_LOOKED_AT = 10000, /* of one batch */
};

struct latest {
    int64_t until_s;
};

static bool asks_for_something(struct bytes text)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    if (!policy_text_parse(text, "served policy", &policy, &d)) {
        return true;
    }
    bool asks = policy->mode != POLICY_NONE;
    policy_free(policy);
    return asks;
}

/* The longest held comes first. */
static void visit_held(struct bytes text, int64_t until_s, void *context)
{
    struct latest *latest = context;
    if (until_s > latest->until_s && asks_for_something(text)) {
        latest->until_s = until_s;
    }
}

bool leaving_until(struct history *history, struct bytes domain, int64_t now_s, bool *ret_known,
                   int64_t *ret_until_s, struct error *e)
{
    struct latest latest = {0};
    bool known = false;
    bool first = false;
    int64_t any_s = 0;
    if (!history_each_held(history, domain, now_s, TEXTS_MAX, visit_held, &latest, e) ||
        !history_held_until(history, domain, &known, &any_s, e) ||
        !history_is_none_at_first(history, domain, now_s, &first, e)) {
        return false;
    }
    *ret_known = known && !first;
    *ret_until_s = latest.until_s;
    return true;
}

static void log_one(struct bytes domain, int64_t until_s, struct log *log)
{
    char day[32];
    time_t t = (time_t)until_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%SZ", &tm);
    log_event(log, LOG_LEVEL_WARNING, "policies.left_early", LOG_BYTES("domain", domain),
              LOG_TEXT("until", day),
              LOG_TEXT("problem", "senders may hold its policy until then, and nobody serves "
                                  "another one here"),
              LOG_TEXT("advice", "put it back with mode none until then, unless another host "
                                 "serves its policy now"));
}

void leaving_log_early(struct history *history, const struct note_batch *batch, int64_t now_s,
                       struct log *log)
{
    struct error ignored;
    size_t looked_at = 0;
    size_t early = 0;
    for (size_t i = 0; i < batch->count && looked_at < GONE_LOOKED_AT; i++) {
        struct bytes domain = note_batch_text(batch, batch->items[i].subject);
        int64_t until_s = 0;
        bool known = false;
        if (!batch->items[i].gone || domain.p[0] == '@') {
            continue;
        }
        looked_at++;
        if (leaving_until(history, domain, now_s, &known, &until_s, &ignored) && until_s > now_s &&
            ++early <= NAMES_LOGGED) {
            log_one(domain, until_s, log);
        }
    }
    if (early > NAMES_LOGGED) {
        log_event(log, LOG_LEVEL_WARNING, "policies.left_early",
                  LOG_NUMBER("more_domains", early - NAMES_LOGGED),
                  LOG_TEXT("advice", "`mtasts-host retire --list` names them"));
    }
}

/* --- What went while no server ran --- */

struct search {
    const char **names; /* of all that is served, sorted */
    size_t count;
    struct note_batch *missing;
};

/* FNV-1a; never 0. */
static uint64_t hash_of(struct bytes name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < name.n; i++) {
        hash = (hash ^ (unsigned char)name.p[i]) * 0x100000001b3;
    }
    return hash | 1;
}

static int name_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void visit_current(struct bytes subject, void *context)
{
    struct search *search = context;
    CLEANUP_FREE char *name = memory_string_of(subject);
    const char *key = name;
    if (bsearch(&key, search->names, search->count, sizeof(search->names[0]), name_compare) ==
        NULL) {
        note_batch_add(search->missing,
                       &(struct policy_set_event){.subject = subject, .gone = true});
    }
}

/* How many subjects ALL says are served: one may have several notes, of which the last counts.
 * By hashes alone: of two with the same one is missed, and then names are compared. */
static size_t count_served(const struct note_batch *all)
{
    size_t room = 16;
    size_t served = 0;
    while (room < 2 * all->count) {
        room *= 2;
    }
    CLEANUP_FREE uint64_t *seen = memory_zero(room, sizeof(seen[0]));
    for (size_t i = all->count; i-- > 0;) {
        uint64_t hash = hash_of(note_batch_text(all, all->items[i].subject));
        size_t at = (size_t)(hash >> 32) & (room - 1);
        while (seen[at] != 0 && seen[at] != hash) {
            at = (at + 1) & (room - 1);
        }
        served += seen[at] == 0 && !all->items[i].gone;
        seen[at] = hash;
    }
    return served;
}

bool leaving_find_missing(struct history *history, const struct note_batch *all, int64_t now_s,
                          struct note_batch *missing, struct error *e)
{
    int64_t count = 0;
    if (!history_count_current(history, &count, e)) {
        return false;
    }
    if (count <= (int64_t)count_served(all)) {
        return true; /* as nearly always */
    }
    CLEANUP_FREE const char **names = memory_zero(all->count + 1, sizeof(names[0]));
    for (size_t i = 0; i < all->count; i++) {
        names[i] = note_batch_text(all, all->items[i].subject).p;
    }
    qsort(names, all->count, sizeof(names[0]), name_compare);
    struct search search = {names, all->count, missing};
    if (!history_each_current(history, visit_current, &search, e)) {
        return false;
    }
    for (size_t i = 0; i < missing->count; i++) {
        missing->items[i].since_s = now_s;
    }
    return true;
}
