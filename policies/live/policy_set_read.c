/* Reading what the scan found changed: one file here, many on all cores, and those of a small
 * change already while it waits to be applied. */
#include <errno.h>
#include <sys/stat.h>

#include "lib/base/parallel.h"
#include "policies/live/policy_set_parts.h"

enum { READ_AHEAD_OF_TAKING = 256 }; /* parsed files that wait for their turn */

struct reading {
    struct policy_set *set;
    struct set_files files;         /* those that have changed, in the order of their paths */
    struct policy_reading *results; /* one for each */
};

/* --- Ahead of an apply --- */

void set_read_forget(struct policy_set *set)
{
    for (size_t i = 0; i < set->ahead_count; i++) {
        free(set->ahead[i].path);
        policy_reading_clear(&set->ahead[i].reading);
    }
    set->ahead_count = 0;
}

static struct set_ahead *find_ahead(struct policy_set *set, const char *path)
{
    for (size_t i = 0; i < set->ahead_count; i++) {
        if (strcmp(set->ahead[i].path, path) == 0) {
            return &set->ahead[i];
        }
    }
    return NULL;
}

static void read_ahead(struct policy_set *set, const char *path)
{
    struct stat status;
    bool small = stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
                 status.st_size <= POLICY_SET_AHEAD_OCTETS;
    if (!small || !policy_file_path_counts(path) || find_ahead(set, path) != NULL ||
        set->ahead_count == POLICY_SET_AHEAD_MAX) {
        return;
    }
    struct set_ahead *ahead = &set->ahead[set->ahead_count++];
    ahead->path = memory_string(path);
    policy_reading_read(path, &set->options.defaults, &ahead->reading);
}

void policy_set_read_ahead(struct policy_set *set, const struct watch_changes *coming)
{
    set_read_forget(set);
    if (coming->count > POLICY_SET_AHEAD_MAX || coming->rescan) {
        return; /* there would be no time for all of it */
    }
    for (size_t i = 0; i < coming->count; i++) {
        read_ahead(set, coming->paths[i]);
    }
}

static bool take_ahead(struct policy_set *set, const struct set_file *file,
                       struct policy_reading *ret_reading)
{
    struct set_ahead *ahead = find_ahead(set, file->path);
    if (ahead == NULL || ahead->reading.unreadable != NULL ||
        !file_identity_equal(&ahead->reading.identity, &file->text.identity)) {
        return false;
    }
    *ret_reading = ahead->reading;
    ahead->reading = (struct policy_reading){0};
    return true;
}

/* --- In an apply --- */

/* Any thread. */
static void read_one(size_t number, void *own, void *context)
{
    (void)own;
    struct reading *reading = context;
    struct policy_set *set = reading->set;
    struct set_file *file = reading->files.items[number];
    struct policy_reading *result = &reading->results[number];
    if (!take_ahead(set, file, result)) {
        policy_reading_read(file->path, &set->options.defaults, result);
    }
}

/* False: it has gone since it was listed. */
static bool tell_unreadable(struct set_file *file, const struct error *e,
                            struct diagnostics *problems)
{
    struct stat status;
    if (e->code == ERROR_SYSTEM && lstat(file->path, &status) != 0 && errno == ENOENT) {
        return false;
    }
    file->text_known = e->code != ERROR_CHANGED;
    policy_file_path_tell_unreadable(problems, file->path, e);
    return true;
}

/* Since it was read: then its writer may have begun before that, and be done by now. */
static bool has_changed(const struct set_file *file, const struct policy_reading *result)
{
    struct stat status;
    if (result->unreadable != NULL || stat(file->path, &status) != 0) {
        return false;
    }
    struct file_identity identity = file_identity_of(&status);
    return !file_identity_equal(&identity, &result->identity);
}

/* What the file says now becomes its offer; or it is in error, and what it said stays. */
static void take_one(size_t number, void *context)
{
    struct reading *reading = context;
    struct policy_set *set = reading->set;
    struct set_file *file = reading->files.items[number];
    struct policy_reading *result = &reading->results[number];
    set_scan_drop_offer(set, file);
    set->result.files_read++;
    if (!set_scan_is_written(set, file) || has_changed(file, result)) {
        file->text_known = false; /* what was read may be half of it */
        set_event(set, file, EVENT_UNTOLD);
        policy_reading_clear(result);
        return;
    }
    if (result->unreadable == NULL) {
        file->text = (struct set_text){result->identity, result->line_end};
        const struct write_facts facts = set_file_writing(set, file);
        file->whole = write_rule_is_cut_off(&facts) ? file->whole : file->text;
        file->racy = result->racy;
    } else if (!tell_unreadable(file, result->unreadable, &result->problems)) {
        set_scan_vanish(set, file);
        policy_reading_clear(result);
        return;
    }
    if (result->good) {
        file->offer = set_offer_new(set, &result->parsed);
        set_event(set, file, EVENT_READ); /* what is wrong with it is told when that is known */
    } else {
        set_report_file(set, file, &result->problems);
        set_event(set, file, EVENT_FAILS);
    }
    policy_reading_clear(result);
}

static bool is_abandoned(void *context)
{
    const struct reading *reading = context;
    const struct policy_set *set = reading->set;
    const struct policy_set_options *options = &set->options;
    return set->is_abandoned ||
           (options->abandoned != NULL && options->abandoned(options->context));
}

void set_read(struct policy_set *set)
{
    struct reading reading = {.set = set};
    for (size_t i = 0; i < set->work.count; i++) {
        if (set->work.items[i]->state == FILE_CHANGED) {
            set_files_add(&reading.files, set->work.items[i]);
        }
    }
    size_t count = reading.files.count;
    reading.results = memory_zero(count, sizeof(*reading.results));
    bool whole = parallel_run(&(struct parallel_jobs){
        .count = count,
        .work = read_one,
        .take = take_one,
        .ahead = READ_AHEAD_OF_TAKING,
        .abandoned = is_abandoned,
        .context = &reading,
    });
    for (size_t i = 0; i < count && !whole; i++) {
        policy_reading_clear(&reading.results[i]);
    }
    free(reading.results);
    free(reading.files.items);
    set->is_abandoned = set->is_abandoned || !whole;
}
