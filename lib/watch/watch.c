#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/watch/debounce.h"
#include "lib/watch/descriptors.h"
#include "lib/watch/listing.h"
#include "lib/watch/tree.h"
#include "lib/watch/writers.h"

enum {
    RESCAN_DEFAULT_MS = 5 * 60 * 1000,
    READ_OCTETS = 64 * 1024,
    READS_MAX = 64, /* in one go: a storm of events must not keep us from what was seen */
    STRUCTURE = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB,
    CAME = IN_CREATE | IN_MOVED_TO,
};

struct watch {
    struct watch_options options;
    struct descriptors descriptors;
    struct watch_tree **trees; /* the reasons point to them */
    size_t tree_count;
    size_t tree_capacity;
    struct debounce debounce;
    struct writers writers;
    int64_t now_ms; /* of the latest look at events */
    int64_t rescanned_ms;
    char *warning;
};

struct watch *watch_new(const struct watch_options *options, struct error *e)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 && errno != EMFILE && errno != ENFILE) {
        error_format_system(e, "inotify_init1");
        return NULL;
    }
    struct watch *watch = memory_zero(1, sizeof(*watch));
    watch->options = *options;
    watch->descriptors.fd = fd;
    watch->now_ms = clock_monotonic_ms();
    watch->rescanned_ms = watch->now_ms;
    return watch;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < watch->tree_count; i++) {
        free(watch->trees[i]->path);
        free(watch->trees[i]);
    }
    free(watch->trees);
    descriptors_clear(&watch->descriptors);
    debounce_clear(&watch->debounce);
    open_files_clear(&watch->writers.files);
    file_close(&watch->descriptors.fd);
    free(watch->warning);
    free(watch);
}

void watch_set_options(struct watch *watch, const struct watch_options *options)
{
    watch->options = *options;
}

bool watch_add(struct watch *watch, const char *path, struct error *e)
{
    size_t n = strlen(path);
    if (n == 0) {
        return error_set(e, ERROR_SYNTAX, "an empty path cannot be watched; name a directory");
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    struct watch_tree *tree = memory_zero(1, sizeof(*tree));
    tree->path = memory_string_of((struct bytes){path, n});
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(watch->trees, watch->tree_count, watch->tree_capacity);
    watch->trees[watch->tree_count++] = tree;
    tree_walk_all(tree, &watch->descriptors);
    return true;
}

int watch_fd(const struct watch *watch)
{
    return watch->descriptors.fd;
}

static bool tells(const struct watch_tree *tree)
{
    return !tree->limited && !tree->without_events;
}

/* When the trees that tell no events are to be looked at; -1: there are none. */
static int64_t rescan_due_ms(const struct watch *watch)
{
    bool wanted = watch->options.rescan_always || watch->descriptors.fd < 0;
    for (size_t i = 0; i < watch->tree_count; i++) {
        wanted = wanted || !tells(watch->trees[i]);
    }
    int64_t interval =
        watch->options.rescan_ms > 0 ? watch->options.rescan_ms : (int64_t)RESCAN_DEFAULT_MS;
    return wanted ? watch->rescanned_ms + interval : -1;
}

int watch_timeout_ms(const struct watch *watch, int64_t now_ms)
{
    const int64_t dues[] = {
        debounce_due_ms(&watch->debounce, &watch->options),
        debounce_peek_due_ms(&watch->debounce, &watch->options),
        open_files_due_ms(&watch->writers.files, watch->options.write_wait_ms),
        rescan_due_ms(watch),
    };
    int64_t due = -1;
    for (size_t i = 0; i < ARRAY_LENGTH(dues); i++) {
        due = due < 0 || (dues[i] >= 0 && dues[i] < due) ? dues[i] : due;
    }
    if (due < 0) {
        return -1;
    }
    int64_t left = due - now_ms;
    return left <= 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

/* --- Events --- */

static void mark_dirty(struct watch *watch, struct watch_tree *tree, int64_t now_ms)
{
    tree->dirty = true;
    debounce_add(&watch->debounce, tree->path, now_ms);
}

/* EVENT is about PATH, or a link's target where it FOLLOWS one. */
static void take_path(struct watch *watch, const struct inotify_event *event, const char *path,
                      bool follows, int64_t now_ms)
{
    switch (writers_take(&watch->writers, event, path, follows, now_ms)) {
    case WRITERS_DONE:
        debounce_add(&watch->debounce, path, now_ms);
        break;
    case WRITERS_WRITE:
        break;
    case WRITERS_LOST:
        debounce_add_untold(&watch->debounce, now_ms);
        break;
    }
}

/* EVENT is about a name that something of the tree leads through or to. */
static void take_name_reason(struct watch *watch, const struct inotify_event *event,
                             const struct watch_reason *reason, int64_t now_ms)
{
    struct watch_tree *tree = reason->tree;
    if (reason->path == NULL) {
        /* Closed: a file that so many paths lead to that they stand for the whole tree. */
        if (event->mask & (STRUCTURE | IN_CLOSE_WRITE)) {
            mark_dirty(watch, tree, now_ms);
        }
        return;
    }
    bool contents = (event->mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0;
    enum tree_lead lead = tree_find_lead(&watch->descriptors, reason->path, event->wd, event->name);
    bool meant = lead == TREE_THERE || (!contents && lead == TREE_NOWHERE);
    if (meant) {
        take_path(watch, event, reason->path, true, now_ms);
    } else if (!contents) {
        debounce_add(&watch->debounce, reason->path, now_ms);
    }
    if (event->mask & STRUCTURE) {
        tree_walk_entry(tree, &watch->descriptors, reason->path);
    }
}

/* EVENT is about a name in a directory that is listed. */
static void take_listed_reason(struct watch *watch, const struct inotify_event *event,
                               const struct watch_reason *reason, int64_t now_ms)
{
    struct watch_tree *tree = reason->tree;
    if (listing_leaves_out(event->name)) {
        return;
    }
    CLEANUP_FREE char *path = file_path_join(reason->path, event->name);
    bool is_directory = (event->mask & IN_ISDIR) != 0;
    take_path(watch, event, path, false, now_ms);
    if (is_directory && (event->mask & IN_MOVED_FROM) != 0) {
        /* Its watches went with it, and tell of paths that are no more. */
        mark_dirty(watch, tree, now_ms);
    } else if ((event->mask & CAME) != 0 || (is_directory && (event->mask & IN_ATTRIB) != 0)) {
        tree_walk_entry(tree, &watch->descriptors, path);
    }
    if (is_directory && (event->mask & IN_CREATE) != 0) {
        writers_note_directory(&watch->writers, path, now_ms);
    }
}

/* EVENT is about the directory itself. Where it goes away its parent tells, unless nobody may
 * watch that: at a tree's top. */
static void take_self_reason(struct watch *watch, const struct inotify_event *event,
                             const struct watch_reason *reason, int64_t now_ms)
{
    struct watch_tree *tree = reason->tree;
    bool is_top = strcmp(reason->path, tree->path) == 0;
    if ((event->mask & IN_UNMOUNT) != 0 || (is_top && (event->mask & IN_IGNORED) == 0)) {
        mark_dirty(watch, tree, now_ms);
    }
}

static void take_event(struct watch *watch, const struct inotify_event *event, int64_t now_ms)
{
    struct descriptors *descriptors = &watch->descriptors;
    bool is_self = event->len == 0 || event->name[0] == '\0';
    if (event->mask & IN_Q_OVERFLOW) {
        open_files_lose(&watch->writers.files, now_ms);
        debounce_add_untold(&watch->debounce, now_ms);
        return;
    }
    const struct watch_reasons *listed = descriptors_listed(descriptors, event->wd);
    const struct watch_reasons *named =
        is_self ? NULL : descriptors_name(descriptors, event->wd, event->name);
    /* What is done about a reason may add others, which are younger than the event, and move the
     * arrays. */
    size_t listed_count = listed != NULL ? listed->count : 0;
    size_t named_count = named != NULL ? named->count : 0;
    for (size_t i = 0; i < listed_count; i++) {
        const struct watch_reason reason = listed->items[i];
        (is_self ? take_self_reason : take_listed_reason)(watch, event, &reason, now_ms);
    }
    for (size_t i = 0; i < named_count; i++) {
        const struct watch_reason reason = named->items[i];
        take_name_reason(watch, event, &reason, now_ms);
    }
    if (event->mask & IN_IGNORED) {
        descriptors_forget(descriptors, event->wd);
    }
}

static void read_events(struct watch *watch, int64_t now_ms)
{
    _Alignas(struct inotify_event) char buffer[READ_OCTETS];
    watch->now_ms = now_ms;
    for (int reads = 0; reads < READS_MAX && watch->descriptors.fd >= 0; reads++) {
        ssize_t n = read(watch->descriptors.fd, buffer, sizeof(buffer));
        if (n <= 0) {
            return;
        }
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            take_event(watch, event, now_ms);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
}

/* --- Handing out --- */

static void hand_out(struct watch *watch, int64_t now_ms, struct watch_changes *ret_changes)
{
    bool walked = false;
    for (size_t i = 0; i < watch->tree_count; i++) {
        struct watch_tree *tree = watch->trees[i];
        if (tree->dirty || watch->debounce.changes.rescan) {
            debounce_add(&watch->debounce, tree->path, now_ms);
            tree_walk_all(tree, &watch->descriptors);
            walked = true;
        }
    }
    if (walked) {
        writers_forget_others(&watch->writers);
    }
    debounce_take(&watch->debounce, ret_changes);
}

static bool is_open(const char *path, void *context)
{
    struct watch *watch = context;
    return writers_is_open(&watch->writers, path, watch->now_ms, watch->options.write_wait_ms);
}

/* What is written to comes when it is closed. */
static void leave_out_open(struct watch *watch)
{
    if (watch->writers.files.count != 0) {
        debounce_leave_out(&watch->debounce, is_open, watch);
    }
}

static void add_left_open(struct watch *watch, int64_t now_ms)
{
    const char *path = NULL;
    while ((path = open_files_next_left(&watch->writers.files, now_ms,
                                        watch->options.write_wait_ms)) != NULL) {
        debounce_add(&watch->debounce, path, now_ms);
    }
}

bool watch_take(struct watch *watch, int64_t now_ms, struct watch_changes *ret_changes)
{
    read_events(watch, now_ms);
    add_left_open(watch, now_ms);
    int64_t rescan = rescan_due_ms(watch);
    if (rescan >= 0 && now_ms >= rescan) {
        watch->rescanned_ms = now_ms;
        debounce_add_untold(&watch->debounce, now_ms);
    }
    int64_t due = debounce_due_ms(&watch->debounce, &watch->options);
    if (due < 0 || now_ms < due) {
        return false;
    }
    leave_out_open(watch);
    if (!watch->debounce.pending) {
        return false;
    }
    hand_out(watch, now_ms, ret_changes);
    return true;
}

void watch_take_all(struct watch *watch, int64_t now_ms, struct watch_changes *ret_changes)
{
    read_events(watch, now_ms);
    watch->rescanned_ms = now_ms;
    debounce_add_rescan(&watch->debounce, now_ms);
    hand_out(watch, now_ms, ret_changes);
}

bool watch_is_changing(struct watch *watch, int64_t now_ms)
{
    read_events(watch, now_ms);
    return watch->debounce.pending ||
           open_files_are_coming(&watch->writers.files, now_ms, watch->options.write_wait_ms);
}

const struct watch_changes *watch_peek(struct watch *watch, int64_t now_ms)
{
    int64_t due = debounce_peek_due_ms(&watch->debounce, &watch->options);
    if (due < 0 || now_ms < due) {
        return NULL;
    }
    leave_out_open(watch);
    return watch->debounce.pending ? debounce_peek(&watch->debounce) : NULL;
}

/* Whether events come for PATH. */
static bool is_told(const struct watch *watch, const char *path)
{
    bool told = false;
    for (size_t i = 0; i < watch->tree_count && !told; i++) {
        const struct watch_tree *tree = watch->trees[i];
        told = tells(tree) && file_path_is_below(path, tree->path);
    }
    return told && watch->descriptors.fd >= 0 && !watch->options.rescan_always;
}

enum watch_writing watch_writing(struct watch *watch, const char *path, int64_t now_ms)
{
    read_events(watch, now_ms);
    enum watch_writing writing =
        open_files_writing(&watch->writers.files, path, now_ms, watch->options.write_wait_ms);
    return writing == WATCH_WHOLE && !is_told(watch, path) ? WATCH_UNTOLD : writing;
}

static const struct watch_tree *limited_tree(const struct watch *watch)
{
    for (size_t i = 0; i < watch->tree_count; i++) {
        if (watch->trees[i]->limited) {
            return watch->trees[i];
        }
    }
    return NULL;
}

const char *watch_warning(struct watch *watch)
{
    const struct watch_tree *tree = limited_tree(watch);
    int64_t interval =
        watch->options.rescan_ms > 0 ? watch->options.rescan_ms : (int64_t)RESCAN_DEFAULT_MS;
    free(watch->warning);
    watch->warning = NULL;
    if (tree != NULL) {
        bool no_instance = watch->descriptors.fd < 0;
        watch->warning = memory_printf(
            "the kernel's limit of inotify %s is reached: changes in %s are seen only every %lld "
            "s; raise it with sysctl %s",
            no_instance ? "instances" : "watches", tree->path, (long long)interval / 1000,
            no_instance ? "fs.inotify.max_user_instances" : "fs.inotify.max_user_watches");
    }
    return watch->warning;
}
