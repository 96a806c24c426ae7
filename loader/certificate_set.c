#include "certificate_set.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "certificates/certificate_tree.h"
#include "loader/certificate_source.h"

struct certificate_set {
    char **tops;
    size_t top_count;
    int64_t vanish_ms;
    int64_t removal_percent;
    int64_t removal_pairs;
    struct certificate_table *table;
    bool (*abandoned)(void *context);
    void *abandoned_context;
    bool is_abandoned;
    bool loaded;
    _Atomic size_t done;  /* pairs looked at in the first apply … */
    _Atomic size_t total; /* … of so many */
    struct chain_pool *chains;
    struct pair_reader *reader;
    /* Sorted by chain_path: what lies below a directory stands together. */
    struct certificate_source **sources;
    size_t count;
    size_t capacity;
    size_t gone;                     /* sources that are */
    bool accepting;                  /* removals are not held, in the apply under way */
    struct diagnostics top_problems; /* tops that cannot be listed */
    struct diagnostics held;         /* at most one: removals that are held */
    bool top_problems_told;
    bool held_told;
    uint64_t listing;
    int64_t now_ms; /* of the apply under way */
    size_t changed; /* pairs, in the apply under way */
};

struct certificate_set *certificate_set_new(const struct certificate_set_options *options,
                                            struct certificate_table *table)
{
    struct certificate_set *set = memory_zero(1, sizeof(*set));
    set->tops = memory_zero(options->path_count, sizeof(*set->tops));
    for (size_t i = 0; i < options->path_count; i++) {
        set->tops[i] = memory_string(options->paths[i]);
    }
    set->top_count = options->path_count;
    set->table = table;
    set->abandoned = options->abandoned;
    set->abandoned_context = options->abandoned_context;
    set->chains = chain_pool_new();
    set->reader = pair_reader_new(set->chains);
    certificate_set_set_limits(set, options);
    return set;
}

void certificate_set_set_limits(struct certificate_set *set,
                                const struct certificate_set_options *options)
{
    set->vanish_ms = options->vanish_ms;
    set->removal_percent = options->removal_percent;
    set->removal_pairs = options->removal_pairs;
}

void certificate_set_free(struct certificate_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        certificate_source_free(set->sources[i]);
    }
    for (size_t i = 0; i < set->top_count; i++) {
        free(set->tops[i]);
    }
    free(set->tops);
    free(set->sources);
    pair_reader_free(set->reader);
    chain_pool_unref(set->chains);
    diagnostics_clear(&set->top_problems);
    diagnostics_clear(&set->held);
    free(set);
}

/* The first source whose chain path is not before PATH in byte order. */
static size_t lower_bound(const struct certificate_set *set, const char *path)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->sources[middle]->chain_path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct certificate_source *find_or_add(struct certificate_set *set, const char *chain_path,
                                              const char *key_path)
{
    size_t at = lower_bound(set, chain_path);
    if (at < set->count && strcmp(set->sources[at]->chain_path, chain_path) == 0) {
        return set->sources[at];
    }
    ARRAY_GROW(set->sources, set->count, set->capacity);
    memmove(set->sources + at + 1, set->sources + at, (set->count - at) * sizeof(set->sources[0]));
    set->sources[at] = certificate_source_new(chain_path, key_path);
    set->count++;
    return set->sources[at];
}

/* A publication of NEW (taken; NULL: nothing) in SOURCE's place. The new one is in the table before
 * the old one leaves it, so no handshake in between is without. */
static void publish(struct certificate_set *set, struct certificate_source *source,
                    struct certificate_pair *new)
{
    if (new == NULL && source->served == NULL) {
        return;
    }
    if (new != NULL) {
        certificate_table_add(set->table, new);
    }
    if (source->served != NULL) {
        certificate_table_remove(set->table, source->served);
        certificate_pair_unref(source->served);
    }
    source->served = new;
    set->changed++;
}

/* --- What is there --- */

static bool is_abandoned(struct certificate_set *set)
{
    set->is_abandoned =
        set->is_abandoned || (set->abandoned != NULL && set->abandoned(set->abandoned_context));
    return set->is_abandoned;
}

static void look(struct certificate_set *set, struct certificate_source *source)
{
    if (is_abandoned(set)) {
        return;
    }
    if (!set->loaded) {
        atomic_fetch_add_explicit(&set->done, 1, memory_order_relaxed);
    }
    struct certificate_pair *pair = NULL;
    enum certificate_source_state state = certificate_source_look(source, set->reader, &pair);
    if (state == CERTIFICATE_SOURCE_NEW) {
        publish(set, source, pair);
    }
    bool gone = state == CERTIFICATE_SOURCE_GONE;
    if (gone != source->gone) {
        source->gone = gone;
        source->gone_ms = set->now_ms;
        set->gone += gone ? 1 : (size_t)-1;
    }
}

/* Calls LOOK_AT for the sources at or below PATH that the listing under way did not meet. */
static void look_at_unmet(struct certificate_set *set, const char *path,
                          void (*look_at)(struct certificate_set *, struct certificate_source *))
{
    size_t n = strlen(path);
    for (size_t i = lower_bound(set, path);
         i < set->count && strncmp(set->sources[i]->chain_path, path, n) == 0; i++) {
        struct certificate_source *source = set->sources[i];
        if (source->seen != set->listing && file_path_is_below(source->chain_path, path)) {
            source->seen = set->listing;
            look_at(set, source);
        }
    }
}

static void leave(struct certificate_set *set, struct certificate_source *source)
{
    (void)set;
    (void)source;
}

/* For the progress of the first apply; each pair is counted by its certificate. */
static void count(const char *path, const struct error *e, void *context)
{
    struct certificate_set *set = context;
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (e == NULL && certificate_tree_pair_of(path, &chain_path, &key_path) &&
        strcmp(path, chain_path) == 0) {
        atomic_fetch_add_explicit(&set->total, 1, memory_order_relaxed);
    }
}

static void meet(const char *path, const struct error *e, void *context)
{
    struct certificate_set *set = context;
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (set->is_abandoned) {
        return;
    }
    if (certificate_tree_pair_of(path, &chain_path, &key_path)) {
        /* A key alone: its certificate is not there yet, or no more; nothing to serve, nothing
         * wrong. */
        if (certificate_source_exists(chain_path)) {
            struct certificate_source *source = find_or_add(set, chain_path, key_path);
            if (source->seen != set->listing) {
                source->seen = set->listing;
                look(set, source);
            }
        }
    } else if (e != NULL) {
        /* A directory that cannot be read: what is known of it stays. */
        look_at_unmet(set, path, leave);
    }
}

/* Lists the directory (or file) PATH anew. False: it is missing or cannot be read. */
static bool list(struct certificate_set *set, const char *path, struct error *e)
{
    set->listing++;
    if (!watch_list(path, meet, set, e)) {
        return false;
    }
    look_at_unmet(set, path, look);
    return true;
}

/* An unmounted tree is no reason to forget good certificates: those of a top that cannot be listed
 * stay. */
static void list_tops(struct certificate_set *set)
{
    struct diagnostics problems = {0};
    for (size_t i = 0; i < set->top_count; i++) {
        struct error e;
        if (!list(set, set->tops[i], &e)) {
            diagnostics_add_error(&problems, set->tops[i], &e);
        }
    }
    if (problems.count != set->top_problems.count) {
        set->top_problems_told = false;
    }
    diagnostics_clear(&set->top_problems);
    set->top_problems = problems;
}

/* PATH, below a top, changed: a file, or a directory with all below it; or it is gone. */
static void look_at(struct certificate_set *set, const char *path)
{
    struct stat status;
    struct error e;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        bool listed = list(set, path, &e);
        (void)listed; /* gone meanwhile: the next change says so */
        return;
    }
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    set->listing++;
    meet(path, NULL, set);
    bool named = certificate_tree_pair_of(path, &chain_path, &key_path);
    look_at_unmet(set, named ? chain_path : path, look);
}

/* --- What is gone --- */

/* Of the pairs in use, how many there are and how many are gone. */
struct losses {
    size_t served;
    size_t gone;
};

static struct losses count_losses(const struct certificate_set *set)
{
    struct losses losses = {0};
    for (size_t i = 0; i < set->count; i++) {
        bool served = set->sources[i]->served != NULL;
        losses.served += served;
        losses.gone += served && set->sources[i]->gone;
    }
    return losses;
}

/* So much at once is rather a tree that was unmounted or emptied by mistake. */
static bool is_too_much(const struct certificate_set *set, struct losses losses)
{
    bool many = losses.gone >= (size_t)set->removal_pairs &&
                (double)losses.gone * 100 > (double)losses.served * (double)set->removal_percent;
    return losses.gone != 0 && !set->accepting && (many || losses.gone == losses.served);
}

static void hold(struct certificate_set *set, struct losses losses)
{
    struct diagnostics held = {0};
    diagnostics_add(
        &held, SEVERITY_ERROR, set->tops[0], 0, 0,
        "%zu of %zu certificates are gone, which may be a mistake, so they stay in use; "
        "if that is meant, run `mtasts-host reload --accept-removals`",
        losses.gone, losses.served);
    if (set->held.count == 0) {
        set->held_told = false;
    }
    diagnostics_clear(&set->held);
    set->held = held;
}

static void remove_what_is_due(struct certificate_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct certificate_source *source = set->sources[i];
        bool due = set->accepting || source->served == NULL ||
                   set->now_ms >= source->gone_ms + set->vanish_ms;
        if (source->gone && due) {
            publish(set, source, NULL);
            certificate_source_free(source);
            set->gone--;
        } else {
            set->sources[kept++] = source;
        }
    }
    set->count = kept;
}

static void settle(struct certificate_set *set)
{
    if (set->is_abandoned) {
        return;
    }
    struct losses losses = set->gone != 0 ? count_losses(set) : (struct losses){0};
    if (is_too_much(set, losses)) {
        hold(set, losses);
        return;
    }
    diagnostics_clear(&set->held);
    if (set->gone != 0) {
        remove_what_is_due(set);
    }
}

int64_t certificate_set_next_due_ms(const struct certificate_set *set)
{
    int64_t due_ms = -1;
    for (size_t i = 0; set->gone != 0 && set->held.count == 0 && i < set->count; i++) {
        const struct certificate_source *source = set->sources[i];
        int64_t its_ms = source->gone_ms + set->vanish_ms;
        if (source->gone && (due_ms < 0 || its_ms < due_ms)) {
            due_ms = its_ms;
        }
    }
    return due_ms;
}

/* --- From changes to the table --- */

enum relation { ELSEWHERE, BELOW, TOP };

static enum relation relation_to_tops(const struct certificate_set *set, const char *path)
{
    enum relation relation = ELSEWHERE;
    for (size_t i = 0; i < set->top_count; i++) {
        if (strcmp(set->tops[i], path) == 0) {
            return TOP;
        }
        if (file_path_is_below(path, set->tops[i])) {
            relation = BELOW;
        }
    }
    return relation;
}

size_t certificate_set_apply(struct certificate_set *set, const struct watch_changes *changes,
                             int64_t now_ms)
{
    set->changed = 0;
    set->now_ms = now_ms;
    bool tops = changes->rescan;
    for (size_t i = 0; i < changes->count && !changes->rescan; i++) {
        enum relation relation = relation_to_tops(set, changes->paths[i]);
        if (relation == BELOW) {
            look_at(set, changes->paths[i]);
        }
        tops = tops || relation == TOP;
    }
    for (size_t i = 0; tops && !set->loaded && i < set->top_count; i++) {
        struct error ignored;
        bool listed = watch_list(set->tops[i], count, set, &ignored);
        (void)listed;
    }
    if (tops) {
        list_tops(set);
        set->loaded = true;
    }
    settle(set);
    return set->changed;
}

void certificate_set_progress(const struct certificate_set *set, size_t *ret_done,
                              size_t *ret_total)
{
    *ret_done = atomic_load_explicit(&set->done, memory_order_relaxed);
    *ret_total = atomic_load_explicit(&set->total, memory_order_relaxed);
}

size_t certificate_set_accept_removals(struct certificate_set *set, int64_t now_ms)
{
    set->changed = 0;
    set->now_ms = now_ms;
    set->accepting = true;
    settle(set);
    set->accepting = false;
    return set->changed;
}

void certificate_set_diagnostics(const struct certificate_set *set, struct diagnostics *d)
{
    diagnostics_append(d, &set->top_problems);
    diagnostics_append(d, &set->held);
    for (size_t i = 0; i < set->count; i++) {
        diagnostics_append(d, &set->sources[i]->problem);
    }
}

void certificate_set_new_diagnostics(struct certificate_set *set, struct diagnostics *d)
{
    if (!set->top_problems_told) {
        diagnostics_append(d, &set->top_problems);
        set->top_problems_told = true;
    }
    if (!set->held_told) {
        diagnostics_append(d, &set->held);
        set->held_told = true;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct certificate_source *source = set->sources[i];
        if (source->problem.count != 0 && !source->told) {
            source->told = true;
            diagnostics_append(d, &source->problem);
        }
    }
}

size_t certificate_set_problems(const struct certificate_set *set)
{
    size_t count = set->top_problems.count + set->held.count;
    for (size_t i = 0; i < set->count; i++) {
        count += set->sources[i]->problem.count;
    }
    return count;
}

bool certificate_set_walk(const struct certificate_set *set, char **after, size_t most,
                          void (*visit)(const struct certificate_pair *pair, void *context),
                          void *context)
{
    size_t i = *after != NULL ? lower_bound(set, *after) : 0;
    i += *after != NULL && i < set->count && strcmp(set->sources[i]->chain_path, *after) == 0;
    size_t end = set->count - i < most ? set->count : i + most;
    for (; i < end; i++) {
        if (set->sources[i]->served != NULL) {
            visit(set->sources[i]->served, context);
        }
    }
    if (end != 0) {
        free(*after);
        *after = memory_string(set->sources[end - 1]->chain_path);
    }
    return end < set->count;
}
