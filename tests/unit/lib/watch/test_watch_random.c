/* Whatever happens to a tree: each path whose listing changed is covered by what is reported, or
 * its writer is not done, and then it is later. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/watch/watch.h"

enum { ROUNDS = 3000, EDITS_MAX = 4, WRITERS = 4 };

static const struct watch_options options = {
    .debounce_ms = 50, .debounce_max_ms = 500, .write_wait_ms = 10000};

struct file {
    char *path;
    struct file_identity identity;
};

struct snapshot {
    struct file *files; /* in the listing's order, which is that of octets */
    size_t count;
    size_t capacity;
};

struct world {
    char directory[64];
    unsigned seed;
    int writers[WRITERS]; /* -1: is done */
    struct watch *watch;
    int64_t now_ms;
    char log[4096]; /* what was done since the last look */
};

static void snapshot_add(const char *path, const struct error *e, void *context)
{
    struct snapshot *snapshot = context;
    struct stat status;
    struct file file = {.path = memory_string(path)};
    if (e == NULL && stat(path, &status) == 0) {
        file.identity = file_identity_of(&status);
    }
    ARRAY_GROW(snapshot->files, snapshot->count, snapshot->capacity);
    snapshot->files[snapshot->count++] = file;
}

static void snapshot_clear(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->files[i].path);
    }
    free(snapshot->files);
    *snapshot = (struct snapshot){0};
}

static bool covered(const struct watch_changes *changes, const char *path)
{
    bool found = changes->rescan;
    for (size_t i = 0; i < changes->count && !found; i++) {
        size_t n = strlen(changes->paths[i]);
        found = strncmp(path, changes->paths[i], n) == 0 && (path[n] == '\0' || path[n] == '/');
    }
    return found;
}

static bool is_open(const struct world *world, const char *path)
{
    return watch_writing(world->watch, path, world->now_ms) == WATCH_OPEN;
}

/* A path that differs between A and B and is not covered; NULL where there is none. What is still
 * being written is in B as it was. */
static const char *missed(const struct world *world, const struct snapshot *a,
                          const struct snapshot *b, const struct watch_changes *changes)
{
    size_t i = 0;
    size_t k = 0;
    while (i < a->count || k < b->count) {
        int order = i == a->count   ? 1
                    : k == b->count ? -1
                                    : strcmp(a->files[i].path, b->files[k].path);
        const char *path = order <= 0 ? a->files[i].path : b->files[k].path;
        bool same = order == 0 && file_identity_equal(&a->files[i].identity, &b->files[k].identity);
        bool waits = !same && !covered(changes, path);
        if (waits && (order < 0 || !is_open(world, path))) {
            return path;
        }
        if (waits) {
            b->files[k].identity = order == 0 ? a->files[i].identity : (struct file_identity){0};
        }
        i += order <= 0;
        k += order >= 0;
    }
    return NULL;
}

static unsigned choose(struct world *world, unsigned n)
{
    world->seed = world->seed * 1664525 + 1013904223;
    return (world->seed >> 16) % n;
}

/* A name in and beside the tree "p", some hidden. */
static void random_path(struct world *world, char *path, size_t size)
{
    static const char *const parts[] = {"a", "b", "c.yaml", "d.yaml", "..data", "..1"};
    unsigned depth = 1 + choose(world, 3);
    size_t n =
        (size_t)snprintf(path, size, "%s/%s", world->directory, choose(world, 4) == 0 ? "q" : "p");
    if (choose(world, 60) == 0) {
        return; /* the top itself */
    }
    for (unsigned i = 0; i < depth; i++) {
        n += (size_t)snprintf(path + n, size - n, "/%s", parts[choose(world, ARRAY_LENGTH(parts))]);
    }
}

static void edit_write(const char *path, const char *other)
{
    (void)other;
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
        assert_int_equal(write(fd, "x", 1), 1);
    }
}

/* A writer begins, goes on, or is done. */
static void let_write(struct world *world)
{
    char path[256];
    int *fd = &world->writers[choose(world, WRITERS)];
    random_path(world, path, sizeof(path));
    size_t n = strlen(world->log);
    snprintf(world->log + n, sizeof(world->log) - n, "    writer %d %s\n", *fd, path);
    if (*fd < 0) {
        int flags = choose(world, 2) == 0 ? O_TRUNC : O_APPEND;
        *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    }
    if (*fd >= 0 && choose(world, 3) != 0) {
        assert_int_equal(write(*fd, "x", 1), 1);
    } else {
        file_close(fd);
    }
}

static void edit_directory(const char *path, const char *other)
{
    struct error e;
    (void)other;
    (void)!file_make_directories(path, 0755, &e);
}

static void edit_rename(const char *path, const char *other)
{
    (void)rename(path, other);
}

static void edit_delete(const char *path, const char *other)
{
    (void)other;
    (void)remove(path);
}

static void edit_delete_tree(const char *path, const char *other)
{
    (void)other;
    CLEANUP_FREE char *line = memory_printf("rm -rf '%s' 2>/dev/null", path);
    /* Fails where PATH leads in a circle. */
    (void)!system(line); // NOLINT(cert-env33-c)
}

static void edit_link(const char *path, const char *other)
{
    (void)!symlink(other, path); /* fails where PATH is something already */
}

static void edit_link_relative(const char *path, const char *other)
{
    (void)!symlink(file_path_name(other), path);
}

static void edit_link_swap(const char *path, const char *other)
{
    CLEANUP_FREE char *temporary = memory_printf("%s~", path);
    if (symlink(other, temporary) == 0 && rename(temporary, path) != 0) {
        assert_int_equal(unlink(temporary), 0);
    }
}

static const struct {
    const char *name;
    void (*run)(const char *path, const char *other);
    unsigned weight;
} edits[] = {
    {"write", edit_write, 10},
    {"directory", edit_directory, 6},
    {"rename", edit_rename, 5},
    {"delete", edit_delete, 3},
    {"rm -r", edit_delete_tree, 1},
    {"link", edit_link, 3},
    {"link beside", edit_link_relative, 3},
    {"link swap", edit_link_swap, 2},
};

static void edit(struct world *world)
{
    char path[256];
    char other[256];
    unsigned total = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(edits); i++) {
        total += edits[i].weight;
    }
    unsigned at = choose(world, total);
    size_t kind = 0;
    while (at >= edits[kind].weight) {
        at -= edits[kind++].weight;
    }
    if (choose(world, 4) == 0) {
        let_write(world);
        return;
    }
    random_path(world, path, sizeof(path));
    random_path(world, other, sizeof(other));
    edits[kind].run(path, other);
    size_t n = strlen(world->log);
    snprintf(world->log + n, sizeof(world->log) - n, "    %s %s (%s)\n", edits[kind].name, path,
             other);
}

static void look(const char *top, struct snapshot *snapshot)
{
    struct error e;
    (void)!watch_list(top, snapshot_add, snapshot, &e);
}

static void test_nothing_is_missed(void **state)
{
    (void)state;
    struct error e;
    const char *seed = getenv("MTASTS_SEED");
    struct world world = {.directory = "/tmp/test_random.XXXXXX",
                          .seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 8461};
    assert_non_null(mkdtemp(world.directory));
    CLEANUP_FREE char *top = file_path_join(world.directory, "p");
    struct snapshot before = {0};
    for (int i = 0; i < WRITERS; i++) {
        world.writers[i] = -1;
    }
    world.watch = watch_new(&options, &e);
    assert_non_null(world.watch);
    assert_true(watch_add(world.watch, top, &e));
    world.now_ms = clock_monotonic_ms();
    for (int round = 0; round < ROUNDS; round++) {
        struct watch_changes changes = {0};
        struct snapshot after = {0};
        world.log[0] = '\0';
        for (int i = 0; i < WRITERS && round == ROUNDS - 1; i++) {
            file_close(&world.writers[i]);
        }
        for (unsigned i = 1 + choose(&world, EDITS_MAX); i != 0 && round < ROUNDS - 1; i--) {
            edit(&world);
            /* Sometimes events are read while more is to come. */
            if (choose(&world, 3) == 0) {
                assert_false(watch_take(world.watch, world.now_ms, &changes));
            }
        }
        (void)watch_take(world.watch, world.now_ms, &changes);
        world.now_ms += 1000;
        (void)watch_take(world.watch, world.now_ms, &changes);
        look(top, &after);
        const char *path = missed(&world, &before, &after, &changes);
        if (path != NULL) {
            fail_msg("round %d: %s was missed after\n%s", round, path, world.log);
        }
        world.now_ms += 1000;
        watch_changes_clear(&changes);
        snapshot_clear(&before);
        before = after;
    }
    snapshot_clear(&before);
    watch_free(world.watch);
    edit_delete_tree(world.directory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
