#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "policies/memory/served_memory.h"
#include "scratch_directory.h"

enum { NOBODY = 65534, LISTED_MAX = 64 };

struct fixture {
    struct scratch_directory directory;
    const char *state;
    char *path;
    struct served_memory *memory;
};

static const struct file_identity identity = {1, 2, 3, -4, 5};

static void fail_with(const struct error *e)
{
    fail_msg("%s", e->text);
}

static struct served_memory *open_memory(const struct fixture *f)
{
    struct error e;
    char *news = NULL;
    struct served_memory *memory = NULL;
    if (!served_memory_open(f->state, &memory, &news, &e)) {
        fail_with(&e);
    }
    assert_null(news);
    return memory;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    assert_true(scratch_directory_make(&f->directory));
    f->state = f->directory.path;
    f->path = file_path_join(f->state, "served.db");
    f->memory = open_memory(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    served_memory_close(f->memory);
    bool removed = scratch_directory_remove(&f->directory);
    free(f->path);
    free(f);
    return removed ? 0 : -1;
}

static void reopen(struct fixture *f)
{
    served_memory_close(f->memory);
    f->memory = open_memory(f);
}

/* --- What is written and read, as text --- */

static bool put_in(struct served_memory *memory, const char *entry, const char *path,
                   const char *version, struct error *e)
{
    const struct served_file file = {
        .entry = bytes_of(entry),
        .path = bytes_of(path),
        .identity = identity,
        .line_end = true,
        .reader = UINT64_MAX - 1,
    };
    return served_memory_put(memory, &file, bytes_of(version), e);
}

/* WORDS, for one transaction: "clear", "ENTRY PATH = VERSION", "ENTRY PATH -", each with a ";"
 * behind it. */
static bool change_in(struct served_memory *memory, const char *words, struct error *e)
{
    CLEANUP_FREE char *copy = memory_string(words);
    char *rest = NULL;
    bool good = served_memory_begin(memory, e);
    for (char *one = strtok_r(copy, ";", &rest); good && one != NULL;
         one = strtok_r(NULL, ";", &rest)) {
        char entry[32] = "";
        char path[32] = "";
        char version[32] = "";
        if (strcmp(one, "clear") == 0) {
            good = served_memory_clear(memory, e);
        } else if (sscanf(one, " %31s %31s = %31s", entry, path, version) == 3) {
            good = put_in(memory, entry, path, version, e);
        } else {
            good = served_memory_remove(memory, bytes_of(entry), bytes_of(path), e);
        }
    }
    return good && served_memory_commit(memory, e);
}

static void change(struct fixture *f, const char *words)
{
    struct error e;
    if (!change_in(f->memory, words, &e)) {
        fail_with(&e);
    }
}

struct listing {
    struct served_memory *memory;
    struct buffer text;
    size_t count;
    int64_t ids[LISTED_MAX];
    bool wrong; /* a row is none that was put */
};

static void list_one(const struct served_file *file, void *context)
{
    struct listing *listing = context;
    struct error e;
    CLEANUP(buffer_clear) struct buffer version = BUFFER(1 << 20);
    bool read = served_memory_version(listing->memory, file->id, &version, &e);
    listing->wrong = listing->wrong || !file_identity_equal(&file->identity, &identity) ||
                     !file->line_end || file->reader != UINT64_MAX - 1;
    if (listing->count < LISTED_MAX) {
        listing->ids[listing->count++] = file->id;
    }
    buffer_printf(&listing->text, "%.*s %.*s = %s;", BYTES_ARG(file->entry), BYTES_ARG(file->path),
                  read ? buffer_bytes(&version).p : "?");
}

/* In the form of `change`. */
static bool list_of(struct served_memory *memory, struct listing *listing, struct error *e)
{
    *listing = (struct listing){.memory = memory, .text = BUFFER(1 << 20)};
    return served_memory_each(memory, list_one, listing, e);
}

static void assert_says_in(struct served_memory *memory, const char *want)
{
    struct listing listing;
    struct error e;
    if (!list_of(memory, &listing, &e)) {
        fail_with(&e);
    }
    assert_false(listing.wrong);
    assert_string_equal(buffer_bytes(&listing.text).p, want);
    buffer_clear(&listing.text);
}

/* Of a reader, in the directory STATE. */
static void assert_is_read(const char *state, const char *want)
{
    struct error e;
    struct served_memory *memory = NULL;
    if (!served_memory_open_existing(state, &memory, &e)) {
        fail_with(&e);
    }
    assert_says_in(memory, want);
    served_memory_close(memory);
}

/* --- Plain --- */

static void test_changes(void **state)
{
    static const struct {
        const char *name;
        const char *changes[3]; /* a transaction each */
        const char *want;
    } rows[] = {
        {"nothing", {""}, ""},
        {"in the order of octets",
         {"b a = 1;a b = 2;a a = 3;a B = 4;a.d a = 5;"},
         "a B = 4;a a = 3;a b = 2;a.d a = 5;b a = 1;"},
        {"the last counts", {"a a = 1;a a = 2;", "a a = 3;"}, "a a = 3;"},
        {"the same again", {"a a = 1;", "a a = 1;"}, "a a = 1;"},
        {"removed", {"a a = 1;a b = 2;", "a a -;"}, "a b = 2;"},
        {"removed, and there was none", {"a a = 1;", "a b -;b a -;"}, "a a = 1;"},
        {"removed and put", {"a a = 1;", "a a -;a a = 2;"}, "a a = 2;"},
        {"moved to another entry", {"a a = 1;", "a a -;b a = 1;"}, "b a = 1;"},
        {"cleared", {"a a = 1;", "clear;"}, ""},
        {"cleared but for what is put again",
         {"a a = 1;a b = 2;a c = 3;", "clear;a b = 2;a d = 4;a a = 5;"},
         "a a = 5;a b = 2;a d = 4;"},
        {"cleared after it was put", {"", "a a = 1;clear;a b = 2;"}, "a b = 2;"},
        {"cleared is said of one transaction",
         {"a a = 1;", "clear;a a = 1;", "a b = 2;"},
         "a a = 1;a b = 2;"},
        {"removed after it was put again",
         {"a a = 1;", "clear;a a = 1;a a -;a b = 1;"},
         "a b = 1;"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        void *own = NULL;
        print_message("%s\n", rows[i].name);
        (void)set_up(&own);
        struct fixture *f = own;
        for (size_t j = 0; j < ARRAY_LENGTH(rows[i].changes) && rows[i].changes[j] != NULL; j++) {
            change(f, rows[i].changes[j]);
        }
        assert_says_in(f->memory, rows[i].want);
        assert_is_read(f->state, rows[i].want);
        reopen(f);
        assert_says_in(f->memory, rows[i].want);
        assert_int_equal(tear_down(&own), 0);
    }
}

static void test_any_octets(void **state)
{
    struct fixture *f = *state;
    const struct served_file file = {.entry = BYTES("/\xff\0\"';--"),
                                     .path = BYTES(""),
                                     .identity = identity,
                                     .line_end = false};
    CLEANUP(buffer_clear) struct buffer version = BUFFER(16);
    CLEANUP(buffer_clear) struct buffer small = BUFFER(2);
    struct listing listing;
    struct error e;
    assert_true(served_memory_begin(f->memory, &e));
    assert_true(served_memory_put(f->memory, &file, BYTES("a\0b"), &e));
    assert_true(served_memory_commit(f->memory, &e));
    assert_true(list_of(f->memory, &listing, &e));
    assert_int_equal(listing.count, 1);
    assert_true(served_memory_version(f->memory, listing.ids[0], &version, &e));
    assert_true(bytes_equal(buffer_bytes(&version), BYTES("a\0b")));
    assert_false(served_memory_version(f->memory, listing.ids[0], &small, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_false(served_memory_version(f->memory, listing.ids[0] + 1, &version, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    buffer_clear(&listing.text);
}

static void test_file_is_private(void **state)
{
    const struct fixture *f = *state;
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static struct buffer octets_of(const char *path)
{
    struct buffer octets = BUFFER(1 << 24);
    struct error e;
    assert_true(file_read(path, &octets, NULL, &e));
    return octets;
}

static off_t journal_octets(const struct fixture *f)
{
    CLEANUP_FREE char *path = memory_printf("%s-wal", f->path);
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* A start hands over all that is served: where nothing changed, the disk is left alone. */
static void test_the_same_is_not_written(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *journal = memory_printf("%s-wal", f->path);
    change(f, "a a = 1;a b = 2;");
    CLEANUP(buffer_clear) struct buffer before = octets_of(journal);
    change(f, "clear;a b = 2;a a = 1;");
    CLEANUP(buffer_clear) struct buffer same = octets_of(journal);
    change(f, "clear;a b = 2;a a = 2;");
    CLEANUP(buffer_clear) struct buffer other = octets_of(journal);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&same)));
    assert_false(bytes_equal(buffer_bytes(&before), buffer_bytes(&other)));
}

static void put_large(struct fixture *f, char octet)
{
    enum { LARGE = 20 * 1000 * 1000 };
    const struct served_file file = {.entry = BYTES("a"), .path = BYTES("a")};
    CLEANUP_FREE char *large = memory_alloc(LARGE);
    struct error e;
    memset(large, octet, LARGE);
    assert_true(served_memory_begin(f->memory, &e));
    assert_true(served_memory_put(f->memory, &file, (struct bytes){large, LARGE}, &e));
    assert_true(served_memory_commit(f->memory, &e));
}

static void test_neither_file_grows_without_bound(void **state)
{
    enum { ROOM = 64 * 1000 * 1000 };
    struct fixture *f = *state;
    struct stat status;
    for (int i = 0; i < 10; i++) {
        put_large(f, (char)('a' + i));
        assert_true(journal_octets(f) < ROOM / 8);
        assert_int_equal(stat(f->path, &status), 0);
        assert_true(status.st_size < ROOM);
    }
}

/* A reader sees the last transaction, whole, while the next is written. */
static void test_readers_see_what_is_committed(void **state)
{
    struct fixture *f = *state;
    struct error e;
    change(f, "a a = 1;");
    assert_true(served_memory_begin(f->memory, &e));
    assert_true(served_memory_clear(f->memory, &e));
    assert_true(put_in(f->memory, "b", "b", "2", &e));
    assert_is_read(f->state, "a a = 1;");
    assert_true(served_memory_commit(f->memory, &e));
    assert_is_read(f->state, "b b = 2;");
}

static void test_what_is_not_committed_is_rolled_back(void **state)
{
    struct fixture *f = *state;
    struct error e;
    change(f, "a a = 1;");
    assert_true(served_memory_begin(f->memory, &e));
    assert_true(put_in(f->memory, "a", "a", "2", &e));
    assert_true(served_memory_clear(f->memory, &e));
    reopen(f);
    assert_says_in(f->memory, "a a = 1;");
}

/* --- What cannot be used --- */

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void write_octets(const char *path, struct bytes octets)
{
    struct error e;
    assert_true(file_replace(path, octets, 0600, &e));
}

static void test_of_a_newer_program(void **state)
{
    struct fixture *f = *state;
    struct error e;
    char *news = NULL;
    change(f, "a a = 1;");
    served_memory_close(TAKE(f->memory));
    run_sql(f->path, "PRAGMA user_version = 2");
    CLEANUP(buffer_clear) struct buffer before = octets_of(f->path);
    assert_false(served_memory_open(f->state, &f->memory, &news, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "format 2"));
    assert_false(served_memory_open_existing(f->state, &f->memory, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    CLEANUP(buffer_clear) struct buffer after = octets_of(f->path);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
}

/* Each row's octets stand in the place of the file. */
static void test_what_is_no_memory(void **state)
{
    static const struct {
        const char *name;
        struct bytes octets;
        enum error_code read; /* of a reader */
        bool news;
    } rows[] = {
        {"empty, as a crash may leave it", {"", 0}, ERROR_NOT_FOUND, false},
        {"text", BYTES("domains:\n  a.example: b\n"), ERROR_SYNTAX, true},
        {"NULs", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERROR_SYNTAX, true},
        {"begins as one", BYTES("SQLite format 3\0"), ERROR_SYNTAX, true},
    };
    struct fixture *f = *state;
    CLEANUP_FREE char *aside = memory_printf("%s.damaged", f->path);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e;
        char *news = NULL;
        print_message("%s\n", rows[i].name);
        served_memory_close(TAKE(f->memory));
        write_octets(f->path, rows[i].octets);
        assert_false(served_memory_open_existing(f->state, &f->memory, &e));
        assert_int_equal(e.code, rows[i].read);
        assert_true(served_memory_open(f->state, &f->memory, &news, &e));
        assert_int_equal(news != NULL, rows[i].news);
        if (news != NULL) {
            CLEANUP(buffer_clear) struct buffer kept = octets_of(aside);
            assert_true(bytes_equal(buffer_bytes(&kept), rows[i].octets));
            assert_non_null(strstr(news, aside));
        }
        free(news);
        change(f, "a a = 1;");
        assert_is_read(f->state, "a a = 1;");
    }
}

static void test_another_database(void **state)
{
    struct fixture *f = *state;
    struct error e;
    char *news = NULL;
    served_memory_close(TAKE(f->memory));
    assert_int_equal(unlink(f->path), 0);
    run_sql(f->path,
            "CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT); PRAGMA user_version = 1");
    assert_false(served_memory_open_existing(f->state, &f->memory, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_true(served_memory_open(f->state, &f->memory, &news, &e));
    assert_non_null(news);
    free(news);
}

/* Its WAL, of which something may be left, is not the new file's. */
static void test_set_aside_with_its_journal(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *journal = memory_printf("%s-wal", f->path);
    struct error e;
    change(f, "a a = 1;");
    CLEANUP(buffer_clear) struct buffer octets = octets_of(journal);
    served_memory_close(TAKE(f->memory));
    write_octets(journal, buffer_bytes(&octets));
    char *news = NULL;
    assert_true(served_memory_set_aside(f->state, &news, &e));
    free(news);
    f->memory = open_memory(f);
    assert_says_in(f->memory, "");
}

static const char many[] = "a a = 1;a b = 2;a c = 3;a d = 4;b a = 1;b b = 2;b c = 3;c a = long;";

/* Whoever starts with this: reads what can be read, and has it written anew. A row that is read is
 * one that was put. */
static void use_damaged(const struct fixture *f, const char *name, size_t at)
{
    struct error e;
    struct served_memory *memory = NULL;
    char *news = NULL;
    if (served_memory_open_existing(f->state, &memory, &e)) {
        struct listing listing;
        bool read = list_of(memory, &listing, &e);
        if (listing.wrong || (!read && e.code != ERROR_SYNTAX)) {
            fail_msg("%s at %zu: %s", name, at, listing.wrong ? "a wrong row" : e.text);
        }
        buffer_clear(&listing.text);
        served_memory_close(TAKE(memory));
    }
    for (int tries = 0; tries < 2; tries++) {
        char *more = NULL;
        bool opened = served_memory_open(f->state, &memory, &news, &e);
        bool written = opened && change_in(memory, "clear;a a = 1;a b = 3;", &e);
        if (written) {
            assert_is_read(f->state, "a a = 1;a b = 3;");
        }
        served_memory_close(TAKE(memory));
        free(TAKE(news));
        if (written) {
            return;
        }
        if (e.code == ERROR_CONFLICT && !opened) {
            return; /* what says the format is what was damaged */
        }
        if (e.code != ERROR_SYNTAX || !served_memory_set_aside(f->state, &more, &e)) {
            fail_msg("%s at %zu: %s", name, at, e.text);
        }
        free(more);
    }
    fail_msg("%s at %zu: not even a new one: %s", name, at, e.text);
}

static void test_damage(void **state)
{
    enum { STEP = 61, HEADER = 100 };
    struct fixture *f = *state;
    change(f, many);
    served_memory_close(TAKE(f->memory));
    CLEANUP(buffer_clear) struct buffer whole = octets_of(f->path);
    for (size_t at = 0; at < whole.n; at += at < HEADER ? 1 : STEP) {
        CLEANUP(buffer_clear) struct buffer octets = BUFFER(1 << 24);
        buffer_add(&octets, buffer_bytes(&whole));
        octets.p[at] ^= (char)(1 << (at % 8));
        write_octets(f->path, buffer_bytes(&octets));
        use_damaged(f, "flipped", at);
        memset(octets.p + at, 0, octets.n - at < 512 ? octets.n - at : 512);
        write_octets(f->path, buffer_bytes(&octets));
        use_damaged(f, "zeroed", at);
        write_octets(f->path, (struct bytes){whole.p, at});
        use_damaged(f, "cut", at);
    }
    f->memory = NULL;
}

static void test_there_is_none(void **state)
{
    struct fixture *f = *state;
    struct served_memory *memory = NULL;
    struct error e;
    assert_false(served_memory_open_existing("/nowhere", &memory, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    served_memory_close(TAKE(f->memory));
    assert_int_equal(unlink(f->path), 0);
    assert_false(served_memory_open_existing(f->state, &memory, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_int_equal(access(f->path, F_OK), -1);
}

/* --- Other processes --- */

/* Runs BODY(f) in a process of its own, and returns how that ended. */
static int in_a_child(const struct fixture *f, int (*body)(const struct fixture *f))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(body(f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* As somebody who is not root, for whom a mode counts. */
static int read_as_nobody(const struct fixture *f)
{
    struct error e;
    struct served_memory *memory = NULL;
    struct listing listing;
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        return 1;
    }
    if (!served_memory_open_existing(f->state, &memory, &e) || !list_of(memory, &listing, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    bool same = strcmp(buffer_bytes(&listing.text).p, "a a = 1;") == 0;
    buffer_clear(&listing.text);
    served_memory_close(memory);
    return same ? 0 : 3;
}

static void give_to_nobody(const struct fixture *f, mode_t file, mode_t directory)
{
    if (geteuid() == 0) {
        assert_int_equal(chown(f->path, NOBODY, NOBODY), 0);
        assert_int_equal(chown(f->state, NOBODY, NOBODY), 0);
    }
    assert_int_equal(chmod(f->path, file), 0);
    assert_int_equal(chmod(f->state, directory), 0);
}

static void test_where_nothing_can_be_written(void **state)
{
    static const struct {
        const char *name;
        mode_t file;
        mode_t directory;
    } rows[] = {
        {"neither", 0400, 0500},
        {"not the directory", 0600, 0500},
        {"not the file", 0400, 0700},
    };
    struct fixture *f = *state;
    change(f, "a a = 1;");
    served_memory_close(TAKE(f->memory));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        print_message("%s\n", rows[i].name);
        give_to_nobody(f, rows[i].file, rows[i].directory);
        assert_int_equal(in_a_child(f, read_as_nobody), 0);
    }
    give_to_nobody(f, 0600, 0700);
}

static int hold_lock_and_die(const struct fixture *f)
{
    int fd = -1;
    struct error e;
    if (served_memory_lock(f->state, &fd, &e) && fd >= 0) {
        raise(SIGKILL);
    }
    return 1;
}

static void test_one_process_has_the_lock(void **state)
{
    const struct fixture *f = *state;
    struct error e;
    int first = -1;
    int second = 0;
    assert_int_equal(in_a_child(f, hold_lock_and_die), SIGKILL);
    assert_true(served_memory_lock(f->state, &first, &e));
    assert_true(first >= 0);
    assert_true(served_memory_lock(f->state, &second, &e));
    assert_int_equal(second, -1);
    assert_int_equal(in_a_child(f, hold_lock_and_die), 1 << 8);
    file_close(&first);
    assert_true(served_memory_lock(f->state, &second, &e));
    assert_true(second >= 0);
    file_close(&second);
    assert_false(served_memory_lock("/nowhere", &second, &e));
}

static int change_and_die(const struct fixture *f)
{
    struct error e;
    char *news = NULL;
    struct served_memory *memory = NULL;
    return served_memory_open(f->state, &memory, &news, &e) &&
                   change_in(memory, "clear;a a = 2;a b -;b b = 3;", &e)
               ? 0
               : 1;
}

static void test_killed(void **state)
{
#ifndef MTASTS_FAULTS
    (void)state;
    skip();
#endif
    static const struct {
        const char *point;
        const char *want;
    } rows[] = {
        {"memory.create", "a a = 1;a b = 1;"}, {"memory.create:2", "a a = 1;a b = 1;"},
        {"memory.clear", "a a = 1;a b = 1;"},  {"memory.put", "a a = 1;a b = 1;"},
        {"memory.put:2", "a a = 1;a b = 1;"},  {"memory.remove", "a a = 1;a b = 1;"},
        {"memory.commit", "a a = 1;a b = 1;"}, {"memory.committed", "a a = 2;b b = 3;"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        print_message("%s\n", rows[i].point);
        change(f, "clear;a a = 1;a b = 1;");
        served_memory_close(TAKE(f->memory));
        assert_int_equal(setenv("MTASTS_FAULT_POINT", rows[i].point, 1), 0);
        assert_int_equal(in_a_child(f, change_and_die), SIGKILL);
        assert_int_equal(unsetenv("MTASTS_FAULT_POINT"), 0);
        assert_is_read(f->state, rows[i].want);
        f->memory = open_memory(f);
        assert_says_in(f->memory, rows[i].want);
    }
}

/* Where the file is made. */
static void test_killed_at_first(void **state)
{
#ifndef MTASTS_FAULTS
    (void)state;
    skip();
#endif
    static const char *const points[] = {"memory.create", "memory.create:2", "memory.put",
                                         "memory.commit"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(points); i++) {
        struct error e;
        served_memory_close(TAKE(f->memory));
        assert_int_equal(unlink(f->path), 0);
        assert_int_equal(setenv("MTASTS_FAULT_POINT", points[i], 1), 0);
        assert_int_equal(in_a_child(f, change_and_die), SIGKILL);
        assert_int_equal(unsetenv("MTASTS_FAULT_POINT"), 0);
        assert_true(!served_memory_open_existing(f->state, &f->memory, &e) ||
                    (served_memory_close(TAKE(f->memory)), true));
        f->memory = open_memory(f);
        assert_says_in(f->memory, "");
    }
}

/* Files may have no more octets than the database has now, as on a disk that is full. */
static int change_on_a_full_disk(const struct fixture *f)
{
    enum { LARGE = 1 << 20 };
    const struct rlimit room = {1 << 16, 1 << 16};
    const struct served_file file = {.entry = BYTES("a"), .path = BYTES("a")};
    struct error e;
    char *news = NULL;
    struct served_memory *memory = NULL;
    CLEANUP_FREE char *large = memory_zero(1, LARGE);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &room) != 0 || !served_memory_open(f->state, &memory, &news, &e)) {
        return 1;
    }
    bool written = served_memory_begin(memory, &e) &&
                   served_memory_put(memory, &file, (struct bytes){large, LARGE}, &e) &&
                   served_memory_commit(memory, &e);
    served_memory_close(memory);
    return written ? 2 : e.code == ERROR_SYSTEM ? 0 : 3;
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    change(f, "a a = 1;");
    served_memory_close(TAKE(f->memory));
    assert_int_equal(in_a_child(f, change_on_a_full_disk), 0);
    assert_is_read(f->state, "a a = 1;");
    f->memory = open_memory(f);
    change(f, "a b = 2;");
    assert_says_in(f->memory, "a a = 1;a b = 2;");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        TEST(test_any_octets),
        TEST(test_file_is_private),
        TEST(test_the_same_is_not_written),
        TEST(test_neither_file_grows_without_bound),
        TEST(test_readers_see_what_is_committed),
        TEST(test_what_is_not_committed_is_rolled_back),
        TEST(test_of_a_newer_program),
        TEST(test_what_is_no_memory),
        TEST(test_another_database),
        TEST(test_set_aside_with_its_journal),
        TEST(test_damage),
        TEST(test_there_is_none),
        TEST(test_where_nothing_can_be_written),
        TEST(test_one_process_has_the_lock),
        TEST(test_killed),
        TEST(test_killed_at_first),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
