/* Who writes, as the kernel tells it: a file is handed out when its writer is done. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "watched.h"

enum { WRITERS = 2, NEVER_MS = 100000 };

struct writers {
    struct fixture *fixture;
    const char *file;
    const char *swap;
    int fds[WRITERS];
    void *mapping;
};

static char *path_of(const struct fixture *fixture, const char *name)
{
    return file_path_join(fixture->directory, name);
}

static int open_file(const struct writers *writers, int flags)
{
    CLEANUP_FREE char *path = path_of(writers->fixture, writers->file);
    int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static void put(int fd)
{
    assert_int_equal(write(fd, "text", 4), 4);
}

/* Writes through a mapping, which lives on when its descriptor is closed. */
static void map(struct writers *writers)
{
    CLEANUP_CLOSE int fd = open_file(writers, O_RDWR);
    writers->mapping = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(writers->mapping, MAP_FAILED);
    *(char *)writers->mapping = 'm';
}

static void be_killed_while_writing(const struct writers *writers)
{
    int told[2];
    char octet = 0;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        put(open_file(writers, O_WRONLY | O_TRUNC));
        (void)!write(told[1], "", 1);
        pause();
    }
    assert_int_equal(read(told[0], &octet, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(told[0]);
    close(told[1]);
}

static void truncate_by_path(const struct writers *writers)
{
    CLEANUP_FREE char *path = path_of(writers->fixture, writers->file);
    assert_int_equal(truncate(path, 1), 0);
}

/* Whether NAME is handed out or not (HANDED_OUT), and how it is WRITTEN. */
static bool is_so(struct fixture *fixture, const char *name, bool handed_out,
                  enum watch_writing written)
{
    struct watch_changes changes;
    CLEANUP_FREE char *path = path_of(fixture, name);
    take(fixture, &changes);
    bool so = covers(fixture, &changes, name) == handed_out && !changes.rescan &&
              watch_writing(fixture->watch, path, fixture->now_ms) == written;
    if (!so) {
        print_changes(&changes);
        print_message("    %d\n", (int)watch_writing(fixture->watch, path, fixture->now_ms));
    }
    watch_changes_clear(&changes);
    return so;
}

/* One letter of a row. False: it is none of these. */
static bool act(struct writers *writers, char letter)
{
    struct fixture *fixture = writers->fixture;
    switch (letter) {
    case 'o': /* opens, and empties what is there */
        writers->fds[0] = open_file(writers, O_WRONLY | O_TRUNC);
        return true;
    case 'O': /* another writer */
        writers->fds[1] = open_file(writers, O_WRONLY | O_APPEND);
        return true;
    case 'w':
    case 'W':
        put(writers->fds[letter == 'W']);
        return true;
    case 'c':
    case 'C':
        assert_int_equal(close(writers->fds[letter == 'C']), 0);
        return true;
    case 't':
        truncate_by_path(writers);
        return true;
    case 'k':
        be_killed_while_writing(writers);
        return true;
    case 'm':
        map(writers);
        return true;
    case 'u':
        assert_int_equal(munmap(writers->mapping, 1), 0);
        return true;
    case 's':
        shell(fixture, writers->swap);
        return true;
    case 'p':
        fixture->now_ms += 300;
        return true;
    case 'P':
        fixture->now_ms += 9800;
        return true;
    default:
        return false;
    }
}

/* The others are expectations. */
static bool step(struct writers *writers, char letter)
{
    struct fixture *fixture = writers->fixture;
    switch (letter) {
    case '-':
        return is_so(fixture, "p/a.yaml", false, WATCH_OPEN);
    case '=':
        return is_so(fixture, "p/a.yaml", true, WATCH_WHOLE);
    case '~':
        return is_so(fixture, "p/a.yaml", true, WATCH_LEFT_OPEN);
    case ',':
        return is_so(fixture, "p/a.yaml", false, WATCH_LEFT_OPEN);
    case '.': /* nor ever */
        fixture->now_ms += NEVER_MS;
        return is_so(fixture, "p/a.yaml", false, WATCH_WHOLE);
    default:
        return act(writers, letter);
    }
}

#define ONE    "mkdir p; echo 1 >p/a.yaml"
#define LINKED "mkdir p q; echo 1 >q/x; echo 2 >q/y; ln -s ../q/x p/a.yaml"
#define CONFIG_MAP                                                                                 \
    "mkdir -p p/..1; echo 1 >p/..1/a.yaml; ln -s ..1 p/..data; ln -s ..data/a.yaml p/a.yaml"

static const struct {
    const char *name;
    const char *before;
    const char *file; /* that is written to; p/a.yaml is what is looked at */
    const char *swap;
    const char *steps;
} rows[] = {
    {"closed at once", ONE, "p/a.yaml", NULL, "owc=."},
    {"pauses of 300 ms", ONE, "p/a.yaml", NULL, "ow-p-p-w-p-c=."},
    {"for long", ONE, "p/a.yaml", NULL, "ow-P-w-P-w-P-w-c=."},
    {"never closed", ONE, "p/a.yaml", NULL, "ow-Pp~,,c=."},
    {"closed after all, by way of more", ONE, "p/a.yaml", NULL, "ow-Pp~,w-w-c=."},
    {"left open twice", ONE, "p/a.yaml", NULL, "ow-Pp~w-Pp~,c=."},
    {"emptied, and nothing written", ONE, "p/a.yaml", NULL, "o-p-c=."},
    {"emptied by path: nobody closes", ONE, "p/a.yaml", NULL, "t-Pp~,"},
    {"a new file that is empty yet", "mkdir p", "p/a.yaml", NULL, "o-p-w-c=."},
    {"a new file that stays empty", "mkdir p", "p/a.yaml", "touch p/a.yaml", "s=."},
    {"two writers: closed counts", ONE, "p/a.yaml", NULL, "oOwW-c=W-C=."},
    {"killed", ONE, "p/a.yaml", NULL, "k=."},
    {"replaced while open", ONE, "p/a.yaml", "echo 2 >t; mv t p/a.yaml", "ow-s=w.wc."},
    {"removed while open", ONE, "p/a.yaml", "rm p/a.yaml", "ow-s=w.wc."},
    {"removed and made again while open", ONE, "p/a.yaml", "rm p/a.yaml; echo 2 >p/a.yaml",
     "ow-s=w.wc."},
    {"hard link in its place", ONE, "p/a.yaml", "echo 2 >t; ln -f t p/a.yaml", "ow-s=w.wc."},
    {"made readable while open", ONE, "p/a.yaml", "chmod 600 p/a.yaml", "ow-s-c=."},
    {"by a mapping", ONE, "p/a.yaml", NULL, "m.u=."},
    {"renamed while open", "mkdir p; echo 1 >p/b.yaml", "p/b.yaml", "mv p/b.yaml p/a.yaml",
     "ows-p-w-c=."},
    {"renamed and left open", "mkdir p; echo 1 >p/b.yaml", "p/b.yaml", "mv p/b.yaml p/a.yaml",
     "ows-Pp~c=."},
    {"renamed when closed", "mkdir p; echo 1 >p/b.yaml", "p/b.yaml", "mv p/b.yaml p/a.yaml",
     "owcs=."},
    {"renamed out of a hidden name", "mkdir p", "p/.a.tmp", "mv p/.a.tmp p/a.yaml", "ow.cs=."},
    {"behind a link", LINKED, "q/x", NULL, "ow-p-w-c=."},
    {"behind a link, never closed", LINKED, "q/x", NULL, "ow-Pp~,"},
    {"replaced behind a link", LINKED, "q/x", "echo 2 >q/t; mv q/t q/x", "ow-s=w.wc."},
    {"the link is changed while it is open", LINKED, "q/x", "ln -s ../q/y p/t; mv p/t p/a.yaml",
     "ow-s=w.wc."},
    {"a dangling link's target is made", "mkdir p q; ln -s ../q/x p/a.yaml", "q/x", NULL,
     "o-w-c=."},
    {"in a linked directory", "mkdir q; echo 1 >q/x; ln -s ../q/x q/a.yaml; ln -s q p", "q/x", NULL,
     "ow-p-w-c=."},
    {"a ConfigMap's swap while it is open", CONFIG_MAP, "p/..1/a.yaml",
     "mkdir p/..2; echo 2 >p/..2/a.yaml; ln -s ..2 p/..tmp; mv -T p/..tmp p/..data; rm -r p/..1",
     "ow-s=w.wc."},
    {"its directory is replaced", "mkdir -p p r; echo 1 >p/a.yaml; echo 2 >r/a.yaml", "p/a.yaml",
     "mv p q; mv r p", "ow-s=w.wc."},
    {"the top is a file", "echo 1 >x; ln -s . p; ln -s x a.yaml", "x", NULL, "ow-c=."},
};

static void run_row(size_t i, const struct watch_options *with)
{
    struct fixture fixture;
    setup(&fixture, rows[i].before, strstr(rows[i].name, "top") != NULL ? "p/a.yaml" : "p", with);
    struct writers writers = {&fixture, rows[i].file, rows[i].swap, {-1, -1}, NULL};
    for (const char *at = rows[i].steps; *at != '\0'; at++) {
        if (!step(&writers, *at)) {
            fail_msg("row '%s': '%c' of '%s'", rows[i].name, *at, at);
        }
    }
    teardown(&fixture);
}

static void test_a_file_is_handed_out_when_its_writer_is_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        run_row(i, &options);
    }
}

/* A file in p that is being written to; the caller closes it. */
static int begin(struct fixture *fixture, const char *name)
{
    CLEANUP_FREE char *path = path_of(fixture, name);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    put(fd);
    return fd;
}

static enum watch_writing writing(struct fixture *fixture, const char *name)
{
    CLEANUP_FREE char *path = path_of(fixture, name);
    return watch_writing(fixture->watch, path, fixture->now_ms);
}

static void test_others_do_not_wait_for_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes = {0};
    setup(&fixture, "mkdir p; echo 1 >p/a.yaml; echo 1 >p/b.yaml", "p", &options);
    CLEANUP_CLOSE int fd = begin(&fixture, "p/a.yaml");
    shell(&fixture, "chmod 600 p/a.yaml; echo 2 >p/b.yaml");
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    fixture.now_ms += options.debounce_ms - 1;
    put(fd); /* does not begin the quiet time anew */
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    const struct watch_changes *coming = watch_peek(fixture.watch, fixture.now_ms);
    assert_non_null(coming);
    assert_true(covers(&fixture, coming, "p/b.yaml"));
    assert_false(covers(&fixture, coming, "p/a.yaml"));
    assert_int_equal(watch_timeout_ms(fixture.watch, fixture.now_ms), 1);
    fixture.now_ms++;
    assert_true(watch_take(fixture.watch, fixture.now_ms, &changes));
    assert_int_equal(changes.count, 1);
    assert_true(covers(&fixture, &changes, "p/b.yaml"));
    watch_changes_clear(&changes);
    assert_int_equal(watch_timeout_ms(fixture.watch, fixture.now_ms), options.write_wait_ms - 1);
    teardown(&fixture);
}

/* What is missing in one file may be about to come in another, but not for ever. */
static void test_it_is_changing_for_a_while(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir p", "p", &options);
    CLEANUP_CLOSE int fd = begin(&fixture, "p/a.yaml");
    int64_t began_ms = fixture.now_ms;
    while (fixture.now_ms < began_ms + options.write_wait_ms) {
        take(&fixture, &changes);
        assert_int_equal(changes.count, 0);
        assert_int_equal(watch_is_changing(fixture.watch, fixture.now_ms),
                         fixture.now_ms < began_ms + options.write_wait_ms);
        fixture.now_ms += options.write_wait_ms / 10;
        put(fd);
    }
    assert_false(watch_is_changing(fixture.watch, fixture.now_ms));
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_OPEN);
    teardown(&fixture);
}

/* A text that was read before somebody said that it is whole, is. */
static void test_what_is_pending_counts(void **state)
{
    (void)state;
    struct fixture fixture;
    setup(&fixture, "mkdir p; echo 1 >p/a.yaml", "p", &options);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_WHOLE);
    int fd = begin(&fixture, "p/a.yaml");
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_OPEN);
    close(fd);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_WHOLE);
    assert_int_equal(writing(&fixture, "elsewhere"), WATCH_UNTOLD);
    teardown(&fixture);
}

static void test_of_what_came_with_its_directory_nobody_tells(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir -p p q/m; echo 1 >q/m/a.yaml", "p", &options);
    shell(&fixture, "mkdir -p p/s/t; echo 1 >p/s/t/a.yaml; echo 1 >p/s/t/b.yaml; mv q/m p/");
    int fd = begin(&fixture, "p/s/t/c.yaml");
    take(&fixture, &changes);
    assert_true(covers(&fixture, &changes, "p/s/t/a.yaml"));
    watch_changes_clear(&changes);
    shell(&fixture, "echo 2 >p/s/t/b.yaml");
    put(fd);
    assert_int_equal(writing(&fixture, "p/s/t/a.yaml"), WATCH_UNTOLD);
    assert_int_equal(writing(&fixture, "p/s/t/b.yaml"), WATCH_WHOLE);
    assert_int_equal(writing(&fixture, "p/s/t/c.yaml"), WATCH_OPEN);
    assert_int_equal(writing(&fixture, "p/m/a.yaml"), WATCH_WHOLE); /* moved as it was */
    close(fd);
    fixture.now_ms += options.write_wait_ms;
    assert_int_equal(writing(&fixture, "p/s/t/a.yaml"), WATCH_WHOLE);
    assert_int_equal(writing(&fixture, "p/s/t/c.yaml"), WATCH_WHOLE);
    teardown(&fixture);
}

static void take_all(struct fixture *fixture, bool untold)
{
    struct watch_changes changes;
    watch_take_all(fixture->watch, fixture->now_ms, &changes);
    assert_true(changes.rescan);
    assert_int_equal(changes.untold, untold);
    watch_changes_clear(&changes);
}

static void test_a_rescan_says_whether_it_was_asked_for(void **state)
{
    (void)state;
    struct fixture fixture;
    setup(&fixture, "mkdir p; echo 1 >p/a.yaml", "p", &options);
    CLEANUP_CLOSE int fd = begin(&fixture, "p/a.yaml");
    shell(&fixture, "echo 1 >p/b.yaml");
    take_all(&fixture, false);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_OPEN);
    assert_int_equal(writing(&fixture, "p/b.yaml"), WATCH_WHOLE);
    /* More events than the queue holds. */
    shell(&fixture, "n=$(cat /proc/sys/fs/inotify/max_queued_events); cd p; "
                    "seq -f %.0f.yaml $n | xargs touch");
    take_all(&fixture, true);
    take_all(&fixture, false);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_UNTOLD);
    assert_int_equal(writing(&fixture, "p/b.yaml"), WATCH_UNTOLD);
    put(fd);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_OPEN);
    fixture.now_ms += options.write_wait_ms;
    assert_int_equal(writing(&fixture, "p/b.yaml"), WATCH_WHOLE);
    teardown(&fixture);
}

static void test_more_are_open_than_can_be_known(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir p", "p", &options);
    /* Each is emptied without being opened, so that nobody closes it. */
    shell(&fixture, "cd p; seq -f %.0f.yaml 5000 | xargs touch; echo 1 >x.yaml");
    take(&fixture, &changes);
    watch_changes_clear(&changes);
    for (int i = 1; i <= 5000; i++) {
        CLEANUP_FREE char *path = memory_printf("%s/p/%d.yaml", fixture.directory, i);
        assert_int_equal(truncate(path, 1), 0);
    }
    take(&fixture, &changes);
    assert_true(changes.rescan);
    assert_true(changes.untold);
    watch_changes_clear(&changes);
    assert_int_equal(writing(&fixture, "p/x.yaml"), WATCH_UNTOLD);
    fixture.now_ms += options.write_wait_ms;
    assert_int_equal(writing(&fixture, "p/x.yaml"), WATCH_WHOLE);
    teardown(&fixture);
}

static void test_a_tree_that_is_looked_at_tells_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    struct watch_options always = options;
    always.rescan_ms = 10000;
    always.rescan_always = true;
    setup(&fixture, "mkdir p; echo 1 >p/a.yaml", "p", &always);
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_UNTOLD);
    fixture.now_ms += always.rescan_ms + 1000;
    take(&fixture, &changes);
    assert_true(changes.rescan && changes.untold);
    watch_changes_clear(&changes);
    CLEANUP_CLOSE int fd = begin(&fixture, "p/a.yaml"); /* this machine's are known none the less */
    assert_int_equal(writing(&fixture, "p/a.yaml"), WATCH_OPEN);
    teardown(&fixture);
}

static void test_many_links_to_a_file(void **state)
{
    (void)state;
    struct fixture fixture;
    setup(&fixture, "mkdir p q; echo 1 >q/x; for i in $(seq 100); do ln -s ../q/x p/$i.yaml; done",
          "p", &options);
    int fd = begin(&fixture, "q/x");
    assert_true(is_so(&fixture, "p/1.yaml", false, WATCH_OPEN));
    close(fd);
    for (int i = 1; i <= 100; i += 33) {
        struct watch_changes changes;
        CLEANUP_FREE char *name = memory_printf("p/%d.yaml", i);
        shell(&fixture, "echo 2 >q/x");
        take(&fixture, &changes);
        if (!covers(&fixture, &changes, name)) {
            fail_msg("%s", name);
        }
        watch_changes_clear(&changes);
    }
    teardown(&fixture);
}

/* Of a directory above it, at any depth: the watches follow what was renamed, names do not. */
static void test_a_file_whose_directory_is_renamed_is_not_whole(void **state)
{
    (void)state;
    static const char *const moves[][2] = {
        {"mv p/d/s p/d/t", "p/d/t/a.yaml"},
        {"mv p/d p/e", "p/e/s/a.yaml"},
        {"mkdir p/n; mv p/d p/n/", "p/n/d/s/a.yaml"},
        {"mv p/d p/.e", NULL}, /* left out */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(moves); i++) {
        struct fixture fixture;
        struct watch_changes changes;
        const char *now = moves[i][1];
        setup(&fixture, "mkdir -p p/d/s; echo 1 >p/d/s/a.yaml", "p", &options);
        int fd = begin(&fixture, "p/d/s/a.yaml");
        shell(&fixture, moves[i][0]);
        take(&fixture, &changes);
        watch_changes_clear(&changes);
        assert_true(now == NULL || writing(&fixture, now) == WATCH_UNTOLD);
        put(fd);
        assert_true(now == NULL || writing(&fixture, now) == WATCH_OPEN);
        close(fd);
        take(&fixture, &changes);
        assert_true(now == NULL || covers(&fixture, &changes, now));
        assert_true(now == NULL || writing(&fixture, now) == WATCH_WHOLE);
        watch_changes_clear(&changes);
        teardown(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_handed_out_when_its_writer_is_done),
        cmocka_unit_test(test_others_do_not_wait_for_it),
        cmocka_unit_test(test_it_is_changing_for_a_while),
        cmocka_unit_test(test_what_is_pending_counts),
        cmocka_unit_test(test_a_file_whose_directory_is_renamed_is_not_whole),
        cmocka_unit_test(test_of_what_came_with_its_directory_nobody_tells),
        cmocka_unit_test(test_a_rescan_says_whether_it_was_asked_for),
        cmocka_unit_test(test_more_are_open_than_can_be_known),
        cmocka_unit_test(test_a_tree_that_is_looked_at_tells_nothing),
        cmocka_unit_test(test_many_links_to_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
