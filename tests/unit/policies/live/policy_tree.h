/* A directory of policy files, a set that serves them, and what to expect of both. For the tests of
 * the policy set. */
#ifndef TESTS_UNIT_POLICIES_LIVE_POLICY_TREE_H
#define TESTS_UNIT_POLICIES_LIVE_POLICY_TREE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/files/mirror_copy.h"
#include "policies/live/policy_set.h"
#include "policies/memory/served_memory.h"

enum { VANISH_MS = 5000, TOPS_MAX = 4 };

struct tree {
    char top[96];       /* the directory of the policy files */
    const char *beside; /* another one, or NULL */
    char state[64];     /* the state directory */
    struct policy_index *index;
    struct policy_set *set;
    struct policy_set_result result; /* of the last apply */
    int64_t now_ms;
    size_t events;
    bool changing;              /* what the watch would say */
    enum watch_writing writing; /* from when it was asked WRITING_FROM times on */
    int writing_from;
    int64_t settle_ms; /* 0: every text counts at once */
    bool (*is_free)(struct bytes domain, void *context);
    bool (*was_last)(struct bytes subject, const unsigned char *digest, void *context);
    const char *open_name; /* the writer of the file of this name has not closed it; NULL: none */
    const char *tops[TOPS_MAX + 1]; /* directories below `top`, as configured; NULL: that alone */
};

static inline bool is_changing(void *context)
{
    const struct tree *tree = context;
    return tree->changing;
}

static inline enum watch_writing how_written(const char *path, void *context)
{
    struct tree *tree = context;
    assert_non_null(path);
    if (tree->open_name != NULL && strstr(path, tree->open_name) != NULL) {
        return WATCH_LEFT_OPEN;
    }
    tree->writing_from--;
    return tree->writing_from <= 0 ? tree->writing : WATCH_WHOLE;
}

static inline void count_event(const struct policy_set_event *event, void *context)
{
    struct tree *tree = context;
    assert_true(event->subject.n != 0);
    tree->events++;
}

static inline void tree_open(struct tree *t)
{
    char *paths[TOPS_MAX + 2] = {memory_string(t->top)};
    size_t count = 0;
    for (; t->tops[count] != NULL; count++) {
        free(paths[count]);
        paths[count] = memory_printf("%s%s", t->top, t->tops[count]);
    }
    count = count != 0 ? count : 1;
    if (t->beside != NULL) {
        paths[count++] = memory_string(t->beside);
    }
    CLEANUP_FREE char *copies = mirror_copy_directory(t->state);
    const struct policy_set_options options = {
        .paths = (const char *const *)paths,
        .path_count = count,
        .defaults = {.max_age_s = 604800},
        .state = t->state,
        .mirror_copies = copies,
        .vanish_ms = VANISH_MS,
        .removal_percent = 10,
        .removal_domains = 50,
        .context = t,
        .changing = is_changing,
        .writing = how_written,
        .is_free = t->is_free,
        .was_last = t->was_last,
        .settle_ms = t->settle_ms,
    };
    t->index = policy_index_new();
    t->set = policy_set_new(&options, t->index);
    policy_set_on_change(t->set, count_event, t);
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        free(paths[i]);
    }
}

static inline void tree_close(struct tree *t)
{
    policy_set_free(t->set);
    policy_index_free(t->index);
}

static inline void tree_rescan(struct tree *t)
{
    const struct watch_changes changes = {.rescan = true};
    t->now_ms += 10;
    t->events = 0;
    policy_set_apply(t->set, &changes, t->now_ms, &t->result);
}

/* A file that is read within a tick of the clock after it was written is read once more, since the
 * next write may leave its identity as it was: this lets the tick pass, and reads such files. */
static inline void tree_rescan_after_tick(struct tree *t)
{
    const struct timespec tick = {.tv_nsec = 25 * 1000 * 1000};
    (void)nanosleep(&tick, NULL);
    tree_rescan(t);
}

static inline void tree_put(const struct served_file *file, struct buffer *version, void *context)
{
    struct error e;
    if (!served_memory_put(context, file, buffer_bytes(version), &e)) {
        fail_msg("%s", e.text);
    }
    buffer_clear(version);
}

static inline void tree_forget(struct bytes entry, struct bytes path, void *context)
{
    struct error e;
    if (!served_memory_remove(context, entry, path, &e)) {
        fail_msg("%s", e.text);
    }
}

/* What the loader does after each apply (policies/loader/loader_memory.c). */
static inline void tree_remember(struct tree *t)
{
    struct error e;
    char *news = NULL;
    struct served_memory *memory = NULL;
    if (!served_memory_open(t->state, &memory, &news, &e) || !served_memory_begin(memory, &e)) {
        fail_msg("%s", e.text);
    }
    const struct policy_set_memory to = {tree_put, tree_forget, memory};
    if (!policy_set_remembers(t->set)) {
        if (!served_memory_clear(memory, &e)) {
            fail_msg("%s", e.text);
        }
        policy_set_remember_afresh(t->set);
    }
    while (policy_set_remember(t->set, &to, 1000)) {
    }
    if (!served_memory_commit(memory, &e)) {
        fail_msg("%s", e.text);
    }
    served_memory_close(memory);
    free(news);
}

/* A new process: nothing is left but what is on the disk. */
static inline void tree_restart(struct tree *t)
{
    tree_remember(t);
    tree_close(t);
    tree_open(t);
    tree_rescan(t);
}

static inline int tree_set_up(void **state)
{
    struct tree *t = memory_zero(1, sizeof(*t));
    strcpy(t->top, "/tmp/test-policies-XXXXXX");
    assert_non_null(mkdtemp(t->top));
    strcpy(t->state, "/tmp/test-state-XXXXXX");
    assert_non_null(mkdtemp(t->state));
    t->now_ms = 1000000;
    tree_open(t);
    *state = t;
    return 0;
}

static inline int tree_remove_one(const char *path, const struct stat *status, int type,
                                  struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void tree_remove_all(const char *path)
{
    (void)nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int tree_tear_down(void **state)
{
    struct tree *t = *state;
    tree_close(t);
    tree_remove_all(t->top);
    tree_remove_all(t->state);
    free(t);
    return 0;
}

/* The path of NAME; the caller frees it. */
static inline char *tree_path(const struct tree *t, const char *name)
{
    return name[0] != '\0' ? file_path_join(t->top, name) : memory_string(t->top);
}

static inline void tree_write(const struct tree *t, const char *name, const char *text)
{
    struct error e;
    CLEANUP_FREE char *path = tree_path(t, name);
    CLEANUP_FREE char *directory = file_path_directory(path);
    /* A rename, as editors do: the inode changes, so the file counts as changed however coarse the
     * clock of the filesystem is. */
    if (!file_make_directories(directory, 0755, &e) ||
        !file_replace(path, bytes_of(text), 0644, &e)) {
        fail_msg("%s", e.text);
    }
}

static inline void tree_unlink(const struct tree *t, const char *name)
{
    CLEANUP_FREE char *path = tree_path(t, name);
    assert_int_equal(unlink(path), 0);
}

/* Applies that NAME… (ended by NULL) changed. */
static inline void tree_apply(struct tree *t, ...)
{
    char *paths[64];
    struct watch_changes changes = {.paths = paths};
    va_list names;
    va_start(names, t);
    for (const char *name = va_arg(names, const char *); name != NULL;
         name = va_arg(names, const char *)) {
        paths[changes.count++] = tree_path(t, name);
    }
    va_end(names);
    t->now_ms += 10;
    t->events = 0;
    policy_set_apply(t->set, &changes, t->now_ms, &t->result);
    for (size_t i = 0; i < changes.count; i++) {
        free(paths[i]);
    }
}

static inline void tree_edit(struct tree *t, const char *name, const char *text)
{
    tree_write(t, name, text);
    tree_apply(t, name, NULL);
}

static inline void tree_wait(struct tree *t, int64_t ms)
{
    t->now_ms += ms;
    tree_apply(t, NULL);
}

static inline void tree_accept(struct tree *t)
{
    t->now_ms += 10;
    policy_set_accept_removals(t->set, NULL, 0, t->now_ms, &t->result);
}

/* The first mx of what is served for DOMAIN, or NULL. Valid until the next call. */
static inline const char *tree_served(const struct tree *t, const char *domain)
{
    static char served[300];
    rcu_read_begin();
    const struct policy *policy = policy_index_find(t->index, bytes_of(domain));
    struct bytes mx = BYTES("");
    size_t cursor = 0;
    if (policy != NULL && policy_next_mx(policy, &cursor, &mx)) {
        snprintf(served, sizeof(served), "%.*s", BYTES_ARG(mx));
    }
    rcu_read_end();
    return policy != NULL ? served : NULL;
}

#define expect_served(t, domain, mx)                                                               \
    do {                                                                                           \
        const char *served_ = tree_served((t), (domain));                                          \
        if (served_ == NULL) {                                                                     \
            fail_msg("%s is not served", (domain));                                                \
        }                                                                                          \
        assert_string_equal(served_, (mx));                                                        \
    } while (0)

#define expect_not_served(t, domain) assert_null(tree_served((t), (domain)))

/* All that is wrong, one line each, paths without the top. The caller frees it. */
static inline char *tree_problems(const struct tree *t, bool only_new)
{
    struct diagnostics d = {0};
    if (only_new) {
        policy_set_new_diagnostics(t->set, &d);
    } else {
        policy_set_diagnostics(t->set, &d);
    }
    struct buffer all = BUFFER(1024 * 1024);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        size_t n = strlen(t->top);
        for (char *found = strstr(line, t->top); found != NULL; found = strstr(found, t->top)) {
            size_t cut = n + (found[n] == '/');
            memmove(found, found + cut, strlen(found + cut) + 1);
        }
        buffer_printf(&all, "%s\n", line);
    }
    diagnostics_clear(&d);
    return buffer_take(&all);
}

#define expect_problems(t, want)                                                                   \
    do {                                                                                           \
        CLEANUP_FREE char *problems_ = tree_problems((t), false);                                  \
        assert_string_equal(problems_, (want));                                                    \
    } while (0)

#define expect_new_problems(t, want)                                                               \
    do {                                                                                           \
        CLEANUP_FREE char *problems_ = tree_problems((t), true);                                   \
        assert_string_equal(problems_, (want));                                                    \
    } while (0)

#define OWN(domain, mx) "  " domain ": {mode: enforce, mx: [" mx "], max_age: 1w}\n"

/* COUNT domains "NAME-0.example" …, all with the same mx. The caller frees it. */
static inline char *tree_many(const char *name, size_t count, const char *mx)
{
    struct buffer text = BUFFER(1 << 30);
    buffer_add_string(&text, "domains:\n");
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "  %s-%zu.example: {mode: enforce, mx: [%s], max_age: 1w}\n", name, i,
                      mx);
    }
    return buffer_take(&text);
}

#endif
