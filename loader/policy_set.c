#include "policy_set.h"

#include <malloc.h>

#include "loader/policy_set_parts.h"

enum { TRIM_FILES = 1000 };

static void open_copies(struct policy_set *set, const char *state)
{
    struct error e;
    set->state = file_path_join(state, "last-good");
    if (!last_good_open(set->state, &set->copies, &e)) {
        diagnostics_add(&set->state_problems, SEVERITY_ERROR, set->state, 0, 0,
                        "last good policies cannot be kept: %s; let mtasts-host write there",
                        e.text);
        diagnostics_append(&set->fresh, &set->state_problems);
    }
}

struct policy_set *policy_set_new(const struct policy_set_options *options,
                                  struct policy_index *index)
{
    struct policy_set *set = memory_zero(1, sizeof(*set));
    set->index = index;
    set->defaults = options->defaults;
    set->vanish_ms = options->vanish_ms;
    set->removal_percent = options->removal_percent;
    set->removal_domains = options->removal_domains;
    set->abandoned = options->abandoned;
    set->abandoned_context = options->abandoned_context;
    set->changing = options->changing;
    set->changing_context = options->changing_context;
    set->tops = memory_zero(options->path_count, sizeof(*set->tops));
    set->top_count = options->path_count;
    for (size_t i = 0; i < options->path_count; i++) {
        char *path = memory_string(options->paths[i]);
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/') {
            path[--n] = '\0';
        }
        set->tops[i].path = path;
    }
    set->mirror_copies = memory_string_or_null(options->mirror_copies);
    set->snapshot_path = memory_string_or_null(options->snapshot);
    if (options->state != NULL) {
        open_copies(set, options->state);
    }
    return set;
}

static void free_lists(struct policy_set *set)
{
    struct set_files *lists[] = {&set->files,   &set->arrived, &set->pending, &set->gone,
                                 &set->to_read, &set->round,   &set->touched, &set->queue,
                                 &set->losers,  &set->unkept,  &set->restored};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        free(lists[i]->items);
    }
    free(set->changes);
    free(set->arrivals);
    free(set->doomed);
    free(set->touched_shared);
}

void policy_set_free(struct policy_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->restored.count; i++) { /* abandoned */
        set_offer_free(set, set->restored.items[i]->copy);
    }
    for (size_t i = 0; i < set->files.count; i++) {
        set_offer_free(set, set->files.items[i]->offer);
        set_mirror_clear_waits(set, set->files.items[i]);
        set_file_free(set->files.items[i]);
    }
    set_shared_free_all(set);
    set_read_forget(set);
    set_mirror_free(set);
    for (size_t i = 0; i < set->top_count; i++) {
        diagnostics_clear(&set->tops[i].problems);
        free(set->tops[i].path);
    }
    free(set->tops);
    free_lists(set);
    diagnostics_clear(&set->fresh);
    diagnostics_clear(&set->state_problems);
    last_good_close(set->copies);
    free(set->state);
    free(set->snapshot_path);
    if (set->own_index) {
        policy_index_free(set->index);
    }
    free(set);
}

void policy_set_set_limits(struct policy_set *set, const struct policy_set_options *options)
{
    bool read_again = set->defaults.max_age_s != options->defaults.max_age_s;
    set->defaults = options->defaults;
    set->vanish_ms = options->vanish_ms;
    set->removal_percent = options->removal_percent;
    set->removal_domains = options->removal_domains;
    for (size_t i = 0; i < set->files.count && read_again; i++) {
        set->files.items[i]->identity_known = false;
    }
    if (read_again) {
        set_read_forget(set);
    }
}

void policy_set_on_change(struct policy_set *set,
                          void (*changed)(const struct policy_set_event *event, void *context),
                          void *context)
{
    set->changed = changed;
    set->context = context;
}

/* --- One apply --- */

bool set_is_abandoned(struct policy_set *set)
{
    set->is_abandoned =
        set->is_abandoned || (set->abandoned != NULL && set->abandoned(set->abandoned_context));
    return set->is_abandoned;
}

static void join_round(struct policy_set *set, struct set_file *file)
{
    if (!file->in_round && !file->forgotten && file->offer != NULL) {
        bool restored_held = file->copy != NULL && file->copied_held;
        file->in_round = true;
        file->was_held = file->held || restored_held;
        file->held = false;
        file->postponed = false;
        file->accepted = false;
        file->blocked_by = NULL;
        file->blocked_by_claim = false;
        file->loses = 0;
        set_files_add(&set->round, file);
    }
}

static bool is_due(const struct policy_set *set, const struct set_file *file, int64_t now_ms)
{
    bool restored_held = file->copy != NULL && file->copied_held;
    return now_ms >= file->gone_ms + set->vanish_ms || set->accepting || restored_held;
}

/* A vanished file whose time is up offers nothing at all. */
static void offer_what_is_due(struct policy_set *set, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->gone.count; i++) {
        struct set_file *file = set->gone.items[i];
        if (!file->gone || file->forgotten || file->offer != NULL) {
            continue; /* it came back */
        }
        if (is_due(set, file, now_ms)) {
            file->offer = set_offer_new_empty();
            set->something_changed = true;
            set_files_touch(set, file);
        } else {
            set->gone.items[kept++] = file;
        }
    }
    set->gone.count = kept;
}

static void gather_round(struct policy_set *set)
{
    for (size_t i = 0; i < set->top_count; i++) {
        set->tops[i].held_gone = 0;
    }
    for (size_t i = 0; i < set->pending.count; i++) {
        struct set_file *file = set->pending.items[i];
        set->tops[file->top].held_gone += file->held && file->gone;
        join_round(set, file);
    }
    for (size_t i = 0; i < set->touched.count; i++) {
        join_round(set, set->touched.items[i]);
    }
    set_files_sort(&set->round);
}

static void finish_round(struct policy_set *set)
{
    set->pending.count = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        file->in_round = false;
        file->accepted = false;
        file->postponed_ms = file->postponed ? file->postponed_ms : 0;
        if (file->offer != NULL && !file->forgotten) {
            set_files_add(&set->pending, file);
        }
    }
    set->round.count = 0;
}

static void run_round(struct policy_set *set, int64_t now_ms)
{
    set->settled_once = false;
    set->guard_tripped = false;
    set->look_again_ms = 0;
    gather_round(set);
    do {
        set_claims_settle(set);
    } while (!set->accepting && (set_guard_postpone(set, now_ms) || set_guard_check(set)));
    if (set_is_abandoned(set)) {
        return;
    }
    set_apply_settled(set);
    for (size_t i = 0; i < set->restored.count; i++) {
        set_offer_free(set, set->restored.items[i]->copy);
        set->restored.items[i]->copy = NULL;
        set_files_touch(set, set->restored.items[i]);
    }
    set->restored.count = 0;
    finish_round(set);
}

static void finish(struct policy_set *set)
{
    set_report(set);
    set_keep_update(set);
    set_files_forget(set);
    for (size_t i = 0; i < set->touched.count; i++) {
        set->touched.items[i]->touched = false;
    }
    set->touched.count = 0;
    for (size_t i = 0; i < set->touched_shared_count; i++) {
        set->touched_shared[i]->touched = false;
        set_shared_unmention(set, set->touched_shared[i]);
    }
    set->touched_shared_count = 0;
    set->result.held = set_report_held(set);
}

static void apply(struct policy_set *set, const struct watch_changes *changes, int64_t now_ms)
{
    set->result = (struct policy_set_result){0};
    set->something_changed = set->again || set->look_again_ms != 0;
    set->again = false;
    bool first = changes->rescan && !set->loaded;
    set->starting = first;
    if (first) {
        set->loaded = true;
        set->something_changed = true;
        set_keep_restore(set);
    }
    if (!changes->peeked) {
        set_read_forget(set);
    }
    set_scan(set, changes, now_ms);
    set_read(set, now_ms);
    set_read_forget(set);
    if (set->is_abandoned) {
        return;
    }
    offer_what_is_due(set, now_ms);
    if (set->something_changed) {
        run_round(set, now_ms);
    }
    if (set->is_abandoned) {
        return; /* what was published stands; the copies on disk stay as they are */
    }
    finish(set);
    if (first || set->result.files_read >= TRIM_FILES) {
        /* The parsed files of a whole tree are gone: back to the system with it, before the first
         * edit has to tidy up. */
        malloc_trim(0);
    }
}

void policy_set_apply(struct policy_set *set, const struct watch_changes *changes, int64_t now_ms,
                      struct policy_set_result *ret_result)
{
    apply(set, changes, now_ms);
    *ret_result = set->result;
}

void policy_set_put_mirror(struct policy_set *set, struct bytes domain, struct policy *policy,
                           struct policy_set_result *ret_result)
{
    set->result = (struct policy_set_result){0};
    set_mirror_put(set, domain, policy);
    finish(set);
    *ret_result = set->result;
}

int64_t policy_set_next_due_ms(const struct policy_set *set)
{
    int64_t due_ms = set->look_again_ms != 0 ? set->look_again_ms : -1;
    if (set->again) {
        return 0;
    }
    for (size_t i = 0; i < set->gone.count; i++) {
        const struct set_file *file = set->gone.items[i];
        int64_t this_ms = file->gone_ms + set->vanish_ms;
        if (file->gone && (due_ms < 0 || this_ms < due_ms)) {
            due_ms = this_ms;
        }
    }
    return due_ms;
}

void policy_set_accept_removals(struct policy_set *set, const char *const *paths, size_t path_count,
                                int64_t now_ms, struct policy_set_result *ret_result)
{
    const struct watch_changes nothing = {0};
    (void)paths;
    (void)path_count;
    set->accepting = true;
    for (size_t i = 0; i < set->files.count; i++) {
        struct set_file *file = set->files.items[i];
        if (set->tops[file->top].state != TOP_FINE) {
            set_scan_vanish(set, file, now_ms);
        }
    }
    set->again = true; /* what is held is to be looked at, though nothing changed */
    apply(set, &nothing, now_ms);
    set->accepting = false;
    *ret_result = set->result;
}

void policy_set_counts(const struct policy_set *set, struct policy_set_counts *ret_counts)
{
    *ret_counts = (struct policy_set_counts){
        .files = set->files.count,
        .files_in_error = set->files_in_error,
        .domains = set->owned,
        .shared_policies = set->shared_defined,
        .removals_held = set_report_held(set),
    };
}
