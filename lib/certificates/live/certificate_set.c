#include "certificate_set.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/certificates/certificate_tree.h"
#include "lib/certificates/live/certificate_set_parts.h"

enum { PATHS_A_QUESTION = 1024 }; /* whether it is abandoned, in a listing */

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
    set->writing = options->writing;
    set->writing_context = options->writing_context;
    certificate_waits_init(&set->waits);
    set->chains = chain_pool_new();
    set->snapshot_path = memory_string_or_null(options->snapshot);
    TAILQ_INIT(&set->troubles);
    set->again_ms = -1;
    certificate_set_set_limits(set, options);
    return set;
}

void certificate_set_set_limits(struct certificate_set *set,
                                const struct certificate_set_options *options)
{
    set->vanish_ms = options->vanish_ms;
    set->removal_percent = options->removal_percent;
    set->removal_pairs = options->removal_pairs;
    set->settle_ms = options->settle_ms;
}

void certificate_set_free(struct certificate_set *set)
{
    if (set == NULL) {
        return;
    }
    certificate_looks_clear(&set->looks); /* what was found and not looked at */
    certificate_looks_clear(&set->unproven);
    certificate_looks_clear(&set->rivals);
    certificate_waits_clear(&set->waits);
    certificate_sources_clear(&set->sources);
    for (size_t i = 0; i < set->top_count; i++) {
        free(set->tops[i]);
    }
    free(set->tops);
    snapshot_close(set->snapshot);
    free(set->snapshot_path);
    chain_pool_unref(set->chains);
    unreadable_clear(&set->unreadable);
    diagnostics_clear(&set->top_problems);
    diagnostics_clear(&set->held);
    diagnostics_clear(&set->notes);
    free(set);
}

/* --- What is there --- */

/* The looks' found. */
static bool take_finding(struct certificate_source *source, struct certificate_finding *finding,
                         void *context)
{
    struct certificate_set *set = context;
    if (certificate_set_is_abandoned(set)) {
        certificate_finding_clear(finding);
        return false;
    }
    source->looked_at = false;
    if (certificate_set_is_quiet(set, source, finding)) {
        certificate_set_adopt(set, source, finding);
    } else {
        certificate_finding_clear(finding);
    }
    return true;
}

/* At the end of the apply, and once in it. */
static void look(struct certificate_source *source, void *context)
{
    struct certificate_set *set = context;
    source->seen = set->listing;
    if (source->looked_at) {
        return;
    }
    source->looked_at = true;
    certificate_looks_add(&set->looks, source);
    if (!set->loaded) {
        atomic_fetch_add_explicit(&set->total, 1, memory_order_relaxed);
    }
}

static void leave(struct certificate_source *source, void *context)
{
    source->seen = ((struct certificate_set *)context)->listing;
}

/* Calls LOOK_AT for the sources at or below PATH that the listing under way did not meet. */
static void look_at_unmet(struct certificate_set *set, const char *path,
                          void (*look_at)(struct certificate_source *source, void *context))
{
    size_t n = strlen(path);
    const struct certificate_sources *sources = &set->sources;
    for (size_t i = certificate_sources_lower_bound(sources, path); i < sources->count; i++) {
        struct certificate_source *source = sources->items[i];
        const char *its_path = certificate_source_path(source);
        if (strncmp(its_path, path, n) != 0) {
            break;
        }
        if (source->seen != set->listing && file_path_is_below(its_path, path)) {
            look_at(source, set);
        }
    }
}

/* A chain that is not there: its key alone is, and it is not there yet, or no more; nothing to
 * serve, nothing wrong. */
static void meet_pair(struct certificate_set *set, const char *chain_path, bool is_there)
{
    struct certificate_source *source = certificate_sources_find(&set->sources, chain_path);
    if (source != NULL) {
        look(source, set);
    } else if (is_there || certificate_source_exists(chain_path)) {
        certificate_sources_add(&set->sources, memory_string(chain_path));
    }
}

/* A link that leads where we may not look is the pair's trouble, not a directory's. */
static void note_unreadable(struct certificate_set *set, const char *path, const struct error *e)
{
    struct stat status;
    if (e->system_errno == EACCES && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        unreadable_add(&set->unreadable, path);
    }
}

/* PATH is listed, or was said to have changed; with E, it cannot be read. */
static void meet(struct certificate_set *set, const char *path, bool listed, const struct error *e)
{
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (set->is_abandoned ||
        (++set->met % PATHS_A_QUESTION == 0 && certificate_set_is_abandoned(set))) {
        return;
    }
    if (certificate_tree_pair_of(path, &chain_path, &key_path)) {
        meet_pair(set, chain_path, listed && strcmp(path, chain_path) == 0);
    } else if (e != NULL) {
        /* A directory that cannot be read: what is known of it stays. */
        note_unreadable(set, path, e);
        look_at_unmet(set, path, leave);
    }
}

static void meet_listed(const char *path, const struct error *e, void *context)
{
    meet(context, path, true, e);
}

/* Lists the directory (or file) PATH anew. False: it is missing or cannot be read. */
static bool list(struct certificate_set *set, const char *path, struct error *e)
{
    set->listing++;
    unreadable_forget(&set->unreadable, path);
    bool listed = watch_list(path, meet_listed, set, e);
    if (!listed && e->system_errno == EACCES) {
        unreadable_add(&set->unreadable, path);
    }
    certificate_sources_merge(&set->sources, look, set);
    if (listed) {
        look_at_unmet(set, path, look);
    }
    return listed;
}

/* An unmounted tree is no reason to forget good certificates: those of a top that cannot be listed
 * stay. */
static void list_tops(struct certificate_set *set)
{
    struct diagnostics problems = {0};
    for (size_t i = 0; i < set->top_count; i++) {
        struct error e;
        if (!list(set, set->tops[i], &e) && e.system_errno != EACCES) {
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
    meet(set, path, false, NULL);
    certificate_sources_merge(&set->sources, look, set);
    bool named = certificate_tree_pair_of(path, &chain_path, &key_path);
    look_at_unmet(set, named ? chain_path : path, look);
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

static void look_at_all(struct certificate_set *set)
{
    const struct certificate_looks_options options = {
        .chains = set->chains, .now_s = set->now_s, .found = take_finding, .context = set};
    if (set->loaded) {
        certificate_looks_run(&set->looks, &options);
    } else {
        certificate_set_look_first(set);
    }
}

/* What was refused may work by now, or what is served in its place no more; and what was not known
 * to be whole may be. */
static void look_at_due(struct certificate_set *set)
{
    struct certificate_source *source = NULL;
    while ((source = certificate_set_next_quiet(set)) != NULL) {
        look(source, set);
    }
    const struct certificate_trouble *trouble = NULL;
    TAILQ_FOREACH (trouble, &set->troubles, link) {
        if (trouble->again_s != 0 && trouble->again_s <= set->now_s) {
            look(trouble->source, set);
        }
    }
}

/* Clock of the wall: it may be set while a timer sleeps, so it is asked again after a while,
 * however far off the moment seems. */
static void plan_again(struct certificate_set *set)
{
    enum { ASK_CLOCK_S = 60 };
    int64_t wait_s = INT64_MAX;
    const struct certificate_trouble *trouble = NULL;
    TAILQ_FOREACH (trouble, &set->troubles, link) {
        /* Past where somebody writes to it: not at once, and once more when that is over. */
        int64_t its_s = trouble->again_s > set->now_s ? trouble->again_s - set->now_s : 1;
        wait_s = trouble->again_s != 0 && its_s < wait_s ? its_s : wait_s;
    }
    int64_t ask_s = wait_s < ASK_CLOCK_S ? wait_s : ASK_CLOCK_S;
    set->again_ms = wait_s == INT64_MAX ? -1 : set->now_ms + ask_s * 1000;
}

void certificate_set_find(struct certificate_set *set)
{
    list_tops(set);
    set->found = true;
}

size_t certificate_set_apply(struct certificate_set *set, const struct watch_changes *changes,
                             struct clock_moment now)
{
    set->changed = 0;
    set->now_ms = now.monotonic_ms;
    set->now_s = now.wall_s;
    bool tops = changes->rescan;
    set->untold = changes->untold;
    set->asked = changes->rescan && !changes->untold;
    for (size_t i = 0; i < changes->count && !changes->rescan; i++) {
        enum relation relation = relation_to_tops(set, changes->paths[i]);
        if (relation == BELOW) {
            look_at(set, changes->paths[i]);
        }
        tops = tops || relation == TOP;
    }
    if (tops && !set->found) {
        list_tops(set);
    }
    set->found = false;
    look_at_due(set);
    look_at_all(set);
    set->loaded = set->loaded || tops;
    certificate_set_settle(set);
    certificate_set_settle_troubles(set);
    plan_again(set);
    return set->changed;
}

void certificate_set_progress(const struct certificate_set *set, size_t *ret_done,
                              size_t *ret_total)
{
    *ret_done = atomic_load_explicit(&set->done, memory_order_relaxed);
    *ret_total = atomic_load_explicit(&set->total, memory_order_relaxed);
}

void certificate_set_diagnostics(const struct certificate_set *set, struct diagnostics *d)
{
    diagnostics_append(d, &set->top_problems);
    diagnostics_append(d, &set->held);
    const struct certificate_trouble *trouble = NULL;
    TAILQ_FOREACH (trouble, &set->troubles, link) {
        if (trouble->settled && !trouble->denied) {
            diagnostics_append(d, &trouble->problem);
        }
    }
    certificate_set_add_denied(set, d);
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
    struct certificate_trouble *trouble = NULL;
    TAILQ_FOREACH (trouble, &set->troubles, link) {
        if (trouble->settled && !trouble->told && !trouble->denied) {
            trouble->told = true;
            diagnostics_append(d, &trouble->problem);
        }
    }
    certificate_set_add_new_denied(set, d);
}

void certificate_set_take_notes(struct certificate_set *set, struct diagnostics *ret_notes)
{
    *ret_notes = set->notes;
    set->notes = (struct diagnostics){0};
}

size_t certificate_set_problems(const struct certificate_set *set)
{
    return set->top_problems.count + set->unreadable.count + set->held.count + set->trouble_count -
           set->unsettled;
}

size_t certificate_set_unsaved(const struct certificate_set *set)
{
    return set->unsaved;
}

struct certificate_pair **certificate_set_save(struct certificate_set *set, size_t *ret_count)
{
    const struct certificate_sources *sources = &set->sources;
    struct certificate_pair **pairs =
        memory_zero(sources->count, sizeof(struct certificate_pair *));
    size_t count = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (sources->items[i]->served != NULL) {
            pairs[count++] = certificate_pair_ref(sources->items[i]->served);
        }
    }
    set->unsaved = 0;
    *ret_count = count;
    return pairs;
}
