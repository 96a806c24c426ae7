#include "policy_set.h"

#include <malloc.h>

#include "policies/live/policy_set_parts.h"

enum {
    TRIM_FILES = 1000,
    /* Most of what is changing comes with a round of its own, sooner than this. */
    POSTPONED_AGAIN_MS = 500,
};

struct policy_set *policy_set_new(const struct policy_set_options *options,
                                  struct policy_index *index)
{
    struct policy_set *set = memory_zero(1, sizeof(*set));
    set->index = index;
    set->options = *options;
    set->options.state = memory_string_or_null(options->state);
    set->options.mirror_copies = memory_string_or_null(options->mirror_copies);
    for (size_t i = 0; i < options->path_count; i++) {
        const char *entry = options->entries != NULL ? options->entries[i] : options->paths[i];
        size_t n = strlen(options->paths[i]);
        while (n > 1 && options->paths[i][n - 1] == '/') {
            n--;
        }
        (void)set_add_top(set, (struct bytes){options->paths[i], n}, entry, TOP_FINE);
    }
    return set;
}

static void free_lists(struct policy_set *set)
{
    struct set_files *lists[] = {&set->files, &set->arrived, &set->work,   &set->unwritten.files,
                                 &set->round, &set->losers,  &set->waiting};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        free(lists[i]->items);
    }
    for (size_t i = 0; i < set->unwritten.forgotten_count; i++) {
        free(set->unwritten.forgotten[i].entry);
        free(set->unwritten.forgotten[i].path);
    }
    free(set->unwritten.forgotten);
    free(set->publication.changes);
    free(set->publication.arrivals);
    free(set->publication.doomed);
    free(set->publication.touched);
}

void policy_set_free(struct policy_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->files.count; i++) {
        set_file_free(set, set->files.items[i]);
    }
    set_shared_free_all(set);
    set_read_forget(set);
    set_mirror_free(set);
    for (size_t i = 0; i < set->top_count; i++) {
        diagnostics_clear(&set->tops[i].problems);
        free(set->tops[i].path);
        free(set->tops[i].entry);
    }
    free(set->tops);
    free_lists(set);
    diagnostics_clear(&set->fresh);
    diagnostics_clear(&set->memory_problems);
    free((char *)set->options.state);
    free((char *)set->options.mirror_copies);
    free(set);
}

void policy_set_set_limits(struct policy_set *set, const struct policy_set_options *options)
{
    bool read_again = set->options.defaults.max_age_s != options->defaults.max_age_s;
    set->options.defaults = options->defaults;
    set->options.vanish_ms = options->vanish_ms;
    set->options.settle_ms = options->settle_ms;
    set->options.removal_percent = options->removal_percent;
    set->options.removal_domains = options->removal_domains;
    for (size_t i = 0; i < set->files.count && read_again; i++) {
        set->files.items[i]->text_known = false;
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

/* What a file offered whose directory is away since says nothing until that is back. */
static void join_round(struct policy_set *set, struct set_file *file)
{
    if (file->in_round || file->offer == NULL || !file_state_joins_rounds(file->state)) {
        return;
    }
    if (!file->offer->absent && set_file_is_away(set, file)) {
        return;
    }
    file->in_round = true;
    file->loses = 0;
    set_event(set, file, EVENT_ROUND);
    set_files_add(&set->round, file);
}

/* What was held, and what a start does not find in a directory that is empty, is missed at once. */
static bool is_due(const struct policy_set *set, const struct set_file *file)
{
    return set->now_ms >= file->since_ms + set->options.vanish_ms || file->was_held ||
           (set->starting && set_file_is_away(set, file)) || set_accepts(set, file);
}

/* A vanished file whose time is up offers nothing at all. */
static void offer_what_is_due(struct policy_set *set)
{
    for (size_t i = 0; i < set->work.count; i++) {
        struct set_file *file = set->work.items[i];
        if (file->state == FILE_VANISHED && is_due(set, file)) {
            file->offer = set_offer_new_empty();
            set->something_changed = true;
        }
    }
}

/* Whether FILE says nothing, on purpose. */
static bool is_empty(const struct set_file *file)
{
    return file->offer != NULL
               ? !file->offer->absent && file->offer->domain_count + file->offer->shared_count == 0
               : file->present && file->state == FILE_STANDS &&
                     file->domain_count + file->shared_count == 0;
}

/* A file that is empty on purpose says that what went from beside it was to go. */
static void find_meant(struct policy_set *set)
{
    for (size_t i = 0; i < set->files.count; i++) {
        struct set_top *top = &set->tops[set->files.items[i]->top];
        top->is_meant = top->is_meant || is_empty(set->files.items[i]);
    }
}

static void gather_round(struct policy_set *set)
{
    bool some_gone = false;
    for (size_t i = 0; i < set->top_count; i++) {
        set->tops[i].held_gone = 0;
        set->tops[i].is_meant = false;
    }
    for (size_t i = 0; i < set->work.count; i++) {
        struct set_file *file = set->work.items[i];
        bool gone = file->offer != NULL && file->offer->absent;
        set->tops[file->top].held_gone += file->state == FILE_HELD && gone;
        some_gone = some_gone || gone;
        join_round(set, file);
    }
    set_files_sort(&set->round);
    if (some_gone) {
        find_meant(set);
    }
}

static void run_round(struct policy_set *set)
{
    set->guard_tripped = false;
    gather_round(set);
    struct set_claims *claims = set_claims_new(set);
    do {
        set_claims_settle(set, claims);
    } while (set_guard(set));
    set_claims_free(claims);
    if (set_is_abandoned(set)) {
        return;
    }
    set_apply_settled(set);
    if (set->starting) {
        set_memory_let_go(set);
    }
    for (size_t i = 0; i < set->round.count; i++) {
        set->round.items[i]->in_round = false;
    }
    set->round.count = 0;
}

static void finish(struct policy_set *set)
{
    set_report(set);
    for (size_t i = 0; i < set->publication.touched_count; i++) {
        set_memory_note_orphan(set, set->publication.touched[i]);
        set->publication.touched[i]->touched = false;
        set_shared_unmention(set, set->publication.touched[i]);
    }
    set->publication.touched_count = 0;
    set_files_finish(set);
    set->result.held = set_report_held(set);
}

static void apply(struct policy_set *set, const struct watch_changes *changes, int64_t now_ms)
{
    set->result = (struct policy_set_result){0};
    set->now_ms = now_ms;
    set->untold = changes->untold;
    set->something_changed = set->again;
    set->again = false;
    set->starting = changes->rescan && !set->loaded;
    if (set->starting) {
        set->loaded = true;
        set->something_changed = true;
        set_memory_restore(set);
    }
    if (!changes->peeked) {
        set_read_forget(set);
    }
    set_scan(set, changes);
    set_scan_again(set);
    set_read(set);
    set_read_forget(set);
    if (set->is_abandoned) {
        return;
    }
    offer_what_is_due(set);
    if (set->something_changed) {
        run_round(set);
    }
    if (set->is_abandoned) {
        return; /* what was published stands */
    }
    bool large = set->starting || set->result.files_read >= TRIM_FILES;
    finish(set);
    if (large) {
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

/* When FILE is to be looked at though nothing changed; -1: not at all. */
static int64_t due_ms(const struct policy_set *set, const struct set_file *file)
{
    switch (file->state) {
    case FILE_VANISHED:
        return file->since_ms + set->options.vanish_ms;
    case FILE_SETTLING:
        return file->since_ms + set->options.settle_ms;
    case FILE_POSTPONED:
        return set->now_ms + POSTPONED_AGAIN_MS;
    default:
        return -1;
    }
}

int64_t policy_set_next_due_ms(const struct policy_set *set)
{
    int64_t next_ms = set->again ? 0 : -1;
    for (size_t i = 0; i < set->work.count && next_ms != 0; i++) {
        int64_t this_ms = due_ms(set, set->work.items[i]);
        next_ms = this_ms >= 0 && (next_ms < 0 || this_ms < next_ms) ? this_ms : next_ms;
    }
    return next_ms;
}

void policy_set_accept_removals(struct policy_set *set, const char *const *paths, size_t path_count,
                                int64_t now_ms, struct policy_set_result *ret_result)
{
    const struct watch_changes nothing = {0};
    const struct policy_set_accepting accepting = {paths, path_count};
    set->accepting = &accepting;
    set->now_ms = now_ms;
    for (size_t i = 0; i < set->files.count; i++) {
        struct set_file *file = set->files.items[i];
        if (set_file_is_away(set, file) && set_accepts(set, file)) {
            set_scan_vanish(set, file);
        }
    }
    set->again = true; /* what is held is to be looked at, though nothing changed */
    apply(set, &nothing, now_ms);
    set->accepting = NULL;
    *ret_result = set->result;
}

/* Where something is wrong at all: else this is not worth a look at each file after each edit. */
static size_t count_without_good(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; set->files_in_error != 0 && i < set->files.count; i++) {
        const struct set_file *file = set->files.items[i];
        count += file->problems.errors != 0 && !set_file_is_applied(file);
    }
    return count;
}

void policy_set_counts(const struct policy_set *set, struct policy_set_counts *ret_counts)
{
    *ret_counts = (struct policy_set_counts){
        .files = set->files.count,
        .files_in_error = set->files_in_error,
        .files_without_good = count_without_good(set),
        .domains = set->owned,
        .shared_policies = set->shared_defined,
        .removals_held = set_report_held(set),
    };
    for (size_t i = 0; i < set->top_count; i++) {
        ret_counts->files_present += set->tops[i].present;
    }
    for (size_t i = 0; i < set->work.count; i++) {
        ret_counts->files_still_open += set->work.items[i]->state == FILE_STILL_OPEN;
    }
}
