/* Which files there are, and which changed, came or went. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policies/live/policy_set_parts.h"

struct scan {
    struct policy_set *set;
    size_t top;
    bool through_links; /* a directory was reached through a symbolic link */
    size_t prefix;      /* octets of the path that was listed */
    struct set_files unreadable;
};

/* Names that a listing leaves out, as a whole or in what leads there from the top: hidden ones and
 * editors' backups. */
static bool is_left_out(const char *below_top)
{
    for (const char *name = below_top; *name != '\0';) {
        name += strspn(name, "/");
        size_t n = strcspn(name, "/");
        if (n != 0 && (name[0] == '.' || name[n - 1] == '~')) {
            return true;
        }
        name += n;
    }
    return false;
}

void set_scan_drop_offer(struct policy_set *set, struct set_file *file)
{
    set_offer_free(set, file->offer);
    file->offer = NULL;
}

void set_scan_vanish(struct policy_set *set, struct set_file *file)
{
    set_file_note_presence(set, file, false);
    if (set_file_is_gone(file)) {
        return;
    }
    struct diagnostics none = {0};
    set_scan_drop_offer(set, file);
    set_report_file(set, file, &none);
    file->text_known = false;
    bool is_empty = file->domain_count == 0 && file->shared_count == 0;
    set_event(set, file, is_empty ? EVENT_GOES_EMPTY : EVENT_GOES);
}

/* FILE is there and differs from what was read. A text that nobody told of counts when a second
 * look finds it the same; at a start, and where an operator asks, only if it takes something away
 * (policy_set_guard.c). */
static void meet_changed(struct policy_set *set, struct set_file *file)
{
    file->settled = false;
    if (set->untold && set->options.settle_ms != 0 && !set->starting) {
        set_scan_drop_offer(set, file);
        set_event(set, file, EVENT_UNTOLD);
    } else {
        set_event(set, file, EVENT_CHANGES);
    }
}

bool set_scan_is_written(struct policy_set *set, struct set_file *file)
{
    enum watch_writing writing = set->options.writing != NULL
                                     ? set->options.writing(file->path, set->options.context)
                                     : WATCH_WHOLE;
    bool was_open = file->left_open;
    file->left_open = writing == WATCH_LEFT_OPEN;
    file->untold = set->untold || set->starting || writing == WATCH_UNTOLD;
    if (was_open && !file->left_open && file->state == FILE_STILL_OPEN) {
        set->something_changed = true;
    }
    return writing != WATCH_OPEN;
}

/* FILE is there, with this identity: to be read where it changed. */
static void meet(struct policy_set *set, struct set_file *file, const struct stat *status)
{
    bool came_back = set_file_is_gone(file);
    file->seen = set->listing;
    set_file_note_presence(set, file, true);
    if (!set_scan_is_written(set, file)) {
        if (came_back) { /* but not all of it yet */
            set_scan_drop_offer(set, file);
            file->text_known = false;
            set_event(set, file, EVENT_UNTOLD);
        }
        return;
    }
    struct file_identity identity = file_identity_of(status);
    /* A write of the same size within one tick of the clock after our last read leaves the identity
     * as it was: a file that was read so shortly after a write is read again. */
    if (came_back || !file->text_known || file->racy ||
        !file_identity_equal(&identity, &file->text.identity)) {
        if (came_back) {
            set_scan_drop_offer(set, file);
        }
        file->text.identity = identity;
        file->text_known = true;
        meet_changed(set, file);
    }
}

/* PATH is there but cannot be read: what was known of it, and of all below it, stays. */
static void meet_unreadable(struct scan *scan, const char *path, const struct error *e)
{
    struct policy_set *set = scan->set;
    size_t first = 0;
    size_t end = 0;
    set_files_below(set, path, &first, &end);
    for (size_t i = first; i < end; i++) {
        set->files.items[i]->seen = set->listing;
    }
    /* A link to nothing that could never have been a policy file. */
    bool other = e->code == ERROR_NOT_FOUND && !policy_file_path_counts(path) && first == end &&
                 strchr(file_path_name(path), '.') != NULL;
    if (other) {
        return;
    }
    struct set_file *file = set_files_find_or_add(set, path, scan->top);
    file->seen = set->listing;
    file->text_known = false;
    set_file_note_presence(set, file, true);
    set_scan_drop_offer(set, file);
    struct diagnostics problems = {0};
    policy_file_path_tell_unreadable(&problems, path, e);
    set_report_file(set, file, &problems);
    set_event(set, file, EVENT_FAILS);
}

/* PATH, which is no directory, is there or was a moment ago. */
static void meet_path(struct scan *scan, const char *path, bool whatever_name)
{
    struct stat status;
    struct error e;
    char target[PATH_MAX];
    if (stat(path, &status) != 0) {
        error_format_system(&e, "stat %s", path);
        ssize_t n = e.system_errno == ENOENT ? readlink(path, target, sizeof(target)) : -1;
        if (n >= 0) {
            error_format(&e, ERROR_NOT_FOUND,
                         "symbolic link to %.*s, which does not exist; mend or remove the link",
                         (int)n, target);
        } else if (e.system_errno == ENOENT) {
            return;
        }
        meet_unreadable(scan, path, &e);
    } else if (S_ISREG(status.st_mode) && (whatever_name || policy_file_path_counts(path))) {
        meet(scan->set, set_files_find_or_add(scan->set, path, scan->top), &status);
    }
}

/* Whether the directory that PATH lies in was reached through a link below what was listed. */
static bool is_behind_link(const struct scan *scan, const char *path)
{
    CLEANUP_FREE char *copy = memory_string(path);
    for (char *slash = strchr(copy + scan->prefix, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        struct stat status;
        *slash = '\0';
        if (slash > copy && lstat(copy, &status) == 0 && S_ISLNK(status.st_mode)) {
            return true;
        }
        *slash = '/';
    }
    return false;
}

static void visit(const char *path, const struct error *e, void *context)
{
    struct scan *scan = context;
    if (set_is_abandoned(scan->set)) {
        return;
    }
    if (e != NULL) {
        meet_unreadable(scan, path, e);
        return;
    }
    if (policy_file_path_counts(path) && scan->prefix != 0 && !scan->through_links) {
        scan->through_links = set_files_find(scan->set, path) == NULL && is_behind_link(scan, path);
    }
    meet_path(scan, path, false);
}

static void vanish_where_unseen(struct policy_set *set, size_t number, struct set_file *file)
{
    bool others = set->tops[number].state == TOP_DROPPED && file->top != number;
    if (file->seen != set->listing && !others) {
        set_scan_vanish(set, file);
    }
}

/* Those at and below PATH, in the top of that NUMBER, that the listing did not name are gone. */
static void vanish_unseen(struct policy_set *set, size_t number, const char *path)
{
    struct set_file *itself = set_files_find(set, path);
    if (itself != NULL) {
        vanish_where_unseen(set, number, itself);
    }
    size_t first = 0;
    size_t end = 0;
    set_files_below(set, path, &first, &end);
    for (size_t i = first; i < end; i++) {
        vanish_where_unseen(set, number, set->files.items[i]);
    }
}

static void touch_below(struct policy_set *set, const char *path)
{
    struct set_file *itself = set_files_find(set, path);
    if (itself != NULL) {
        set_files_touch(set, itself);
    }
    size_t first = 0;
    size_t end = 0;
    set_files_below(set, path, &first, &end);
    for (size_t i = first; i < end; i++) {
        set_files_touch(set, set->files.items[i]);
    }
}

static bool list(struct scan *scan, const char *path, struct error *e)
{
    struct stat status;
    set_files_settle(scan->set);
    if (stat(path, &status) != 0) {
        return error_system(e, "cannot be read");
    }
    if (S_ISDIR(status.st_mode)) {
        return watch_list(path, visit, scan, e);
    }
    meet_path(scan, path, true);
    return true;
}

/* Files of TOP that are there, or not, count otherwise from now on. */
static void enter(struct policy_set *set, struct set_top *top, enum set_top_state state)
{
    if (state != top->state) {
        top->state = state;
        set->something_changed = true;
        touch_below(set, top->path);
    }
}

static void scan_top(struct policy_set *set, size_t number)
{
    struct set_top *top = &set->tops[number];
    struct scan scan = {.set = set, .top = number};
    set->listing++;
    if (top->state == TOP_DROPPED) {
        vanish_unseen(set, number, top->path);
        return;
    }
    if (list(&scan, top->path, &top->why)) {
        set_files_settle(set);
        vanish_unseen(set, number, top->path);
        enter(set, top, top->state == TOP_EMPTY ? TOP_EMPTY : TOP_FINE);
    } else {
        int why = top->why.system_errno;
        set_files_settle(set);
        enter(set, top, why == ENOENT || why == ENOTDIR ? TOP_GONE : TOP_UNREADABLE);
    }
    set->tops_changed = true;
}

/* A top that is itself a file counts whatever its name is. */
static bool is_top(const struct policy_set *set, const char *path)
{
    for (size_t i = 0; i < set->top_count; i++) {
        if (strcmp(set->tops[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void scan_path(struct policy_set *set, size_t number, const char *path)
{
    struct stat status;
    struct error e;
    struct scan scan = {.set = set, .top = number, .prefix = strlen(path) + 1};
    set->listing++;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        set_files_settle(set);
        if (!watch_list(path, visit, &scan, &e)) {
            meet_unreadable(&scan, path, &e);
        }
        set_files_settle(set);
        vanish_unseen(set, number, path);
        if (scan.through_links) {
            /* Each directory counts once in a tree: which way to it counts shows only from the
             * top. */
            scan_top(set, number);
        }
        return;
    }
    if (lstat(path, &status) == 0) {
        meet_path(&scan, path, false);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        (void)error_system(&e, "lstat");
        meet_unreadable(&scan, path, &e);
    }
    vanish_unseen(set, number, path);
}

static void scan_change(struct policy_set *set, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < set->top_count; i++) {
        const char *top = set->tops[i].path;
        size_t m = strlen(top);
        bool above = strncmp(top, path, n) == 0 && (top[n] == '\0' || top[n] == '/');
        bool below = strncmp(path, top, m) == 0 && path[m] == '/';
        if (above || (below && set->tops[i].state != TOP_FINE)) {
            scan_top(set, i);
        } else if (below && !is_left_out(path + m) && !is_top(set, path)) {
            scan_path(set, i, path);
        }
    }
}

/* A directory in which no policy file is left is most likely not the one that was meant: a mount
 * point without its disk, a release that was not filled. One that never had any is just empty. */
static void look_at_emptiness(struct policy_set *set)
{
    for (size_t i = 0; i < set->top_count && set->tops_changed; i++) {
        struct set_top *top = &set->tops[i];
        if (top->state == TOP_FINE || top->state == TOP_EMPTY) {
            enter(set, top, top->present == 0 ? TOP_EMPTY : TOP_FINE);
        }
    }
    set->tops_changed = false;
}

void set_scan(struct policy_set *set, const struct watch_changes *changes)
{
    for (size_t i = 0; i < set->top_count && changes->rescan; i++) {
        scan_top(set, i);
    }
    for (size_t i = 0; i < changes->count && !changes->rescan; i++) {
        scan_change(set, changes->paths[i]);
    }
    set_files_settle(set);
    look_at_emptiness(set);
}

static void look_again(struct policy_set *set, struct set_file *file)
{
    struct stat status;
    bool there = stat(file->path, &status) == 0; /* else it has gone, and the scan tells */
    bool is_open = !set_scan_is_written(set, file);
    struct file_identity identity = there ? file_identity_of(&status) : file->text.identity;
    if (!there || is_open || !file_identity_equal(&identity, &file->text.identity)) {
        file->text.identity = identity;
        file->since_ms = set->now_ms;
        set_scan_drop_offer(set, file);
        return;
    }
    file->settled = true;
    if (file->offer == NULL) {
        set_event(set, file, EVENT_CHANGES);
    }
    set->something_changed = true;
}

/* What is refused settles meanwhile: it may come to count together with what was in its way. */
static void settle_refused(struct policy_set *set, struct set_file *file)
{
    struct stat status;
    if (file->untold && !file->settled && set->now_ms >= file->since_ms + set->options.settle_ms &&
        stat(file->path, &status) == 0) {
        struct file_identity identity = file_identity_of(&status);
        file->settled = file_identity_equal(&identity, &file->text.identity);
    }
}

void set_scan_again(struct policy_set *set)
{
    size_t count = set->work.count;
    for (size_t i = 0; i < count; i++) {
        struct set_file *file = set->work.items[i];
        if (file->state == FILE_REFUSED) {
            settle_refused(set, file);
        }
        set->something_changed = set->something_changed || file->state == FILE_POSTPONED;
        if (file->state == FILE_SETTLING &&
            set->now_ms >= file->since_ms + set->options.settle_ms) {
            look_again(set, file);
        }
    }
}
