/* The container of snapshots with records of the tests' own: what is written is found, and what is
 * damaged is not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/snapshot_file.h"
#include "lib/base/snapshot_numbers.h"
#include "lib/base/snapshot_stream.h"

/* A record: its path with a NUL, a number, as many octets 'x'. */

static const char *peek_path(struct bytes in)
{
    return memchr(in.p, '\0', in.n) != NULL ? in.p : NULL;
}

static bool take_record(struct bytes *in, const char **ret_path, uint64_t *ret_octets)
{
    struct bytes octets;
    const char *path = peek_path(*in);
    if (path == NULL) {
        return false;
    }
    *in = bytes_skip(*in, strlen(path) + 1);
    *ret_path = path;
    bool whole = in->n >= 4;
    *ret_octets = snapshot_take_number(in, 4);
    return whole && snapshot_take(in, *ret_octets, &octets);
}

static bool skip_record(struct bytes *in)
{
    const char *path = NULL;
    uint64_t octets = 0;
    return take_record(in, &path, &octets);
}

static const struct snapshot_kind KIND = {
    .magic = {"test's snapshot\n", SNAPSHOT_MAGIC},
    .block_max = 256 * 1024,
    .peek_path = peek_path,
    .skip_record = skip_record,
};
static const char EXTRA[] = "what stands behind the records";

static char directory[64];
static char path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/test_snapshot.XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/snapshot", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP_FREE char *line = memory_printf("rm -r %s", directory);
    return system(line); // NOLINT(cert-env33-c)
}

/* Even numbers are written; odd ones are asked for too. */
static const char *path_of(size_t number, char out[static 32])
{
    (void)snprintf(out, 32, "tree/%07zu.yaml", number);
    return out;
}

static uint64_t octets_of(size_t number)
{
    return number * 7 % 300;
}

static struct snapshot_stream *write_records(size_t count, char (**ret_paths)[32])
{
    struct error e;
    struct snapshot_stream *stream = NULL;
    char(*paths)[32] = memory_alloc(count * sizeof(*paths)); /* borrowed until the commit */
    assert_true(snapshot_stream_open(path, &KIND, &stream, &e));
    for (size_t i = 0; i < count; i++) {
        struct buffer *block = snapshot_stream_block(stream);
        const char *name = path_of(2 * i, paths[i]);
        buffer_add(block, (struct bytes){name, strlen(name) + 1});
        snapshot_add_number(block, octets_of(2 * i), 4);
        for (uint64_t n = 0; n < octets_of(2 * i); n++) {
            buffer_add(block, BYTES("x"));
        }
        assert_true(snapshot_stream_added(stream, name, &e));
    }
    *ret_paths = paths;
    return stream;
}

static void write_snapshot(size_t count)
{
    struct error e;
    char(*paths)[32] = NULL;
    struct snapshot_stream *stream = write_records(count, &paths);
    CLEANUP(buffer_clear) struct buffer extra = BUFFER(1024);
    buffer_add(&extra, bytes_of(EXTRA));
    assert_true(snapshot_stream_commit(stream, &extra, &e));
    snapshot_stream_free(stream);
    free(paths);
}

static struct snapshot_file *open_as(const struct snapshot_kind *kind)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? snapshot_file_open_fd(fd, kind) : NULL;
}

/* Whether NUMBER is found; it is then as it was written. */
static bool find(struct snapshot_file_cursor *cursor, size_t number)
{
    char name[32];
    struct bytes from;
    const char *found = NULL;
    uint64_t octets = 0;
    if (!snapshot_file_cursor_find(cursor, path_of(number, name), &from)) {
        return false;
    }
    assert_true(take_record(&from, &found, &octets));
    assert_string_equal(found, name);
    assert_int_equal(octets, octets_of(number));
    return true;
}

static bool has_extra(const struct snapshot_file *file)
{
    CLEANUP(buffer_clear) struct buffer extra = BUFFER(1024);
    return snapshot_file_read_extra(file, &extra) &&
           bytes_equal(buffer_bytes(&extra), bytes_of(EXTRA));
}

static void test_what_is_written_is_found(void **state)
{
    (void)state;
    static const size_t COUNTS[] = {0, 1, 2, 200, 5000}; /* 32 KB are some 190 records */
    for (size_t c = 0; c < ARRAY_LENGTH(COUNTS); c++) {
        write_snapshot(COUNTS[c]);
        struct snapshot_file *file = open_as(&KIND);
        assert_non_null(file);
        assert_int_equal(snapshot_file_count(file), COUNTS[c]);
        assert_true(has_extra(file));
        struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(file);
        for (size_t i = 0; i < COUNTS[c]; i++) {
            assert_true(find(cursor, 2 * i));
            assert_false(find(cursor, 2 * i + 1));
        }
        for (size_t i = COUNTS[c]; i-- > 0;) { /* in any order */
            assert_true(find(cursor, i * 7919 % COUNTS[c] * 2));
        }
        struct bytes from;
        assert_false(snapshot_file_cursor_find(cursor, "", &from));
        assert_false(snapshot_file_cursor_find(cursor, "zzz", &from));
        snapshot_file_cursor_free(cursor);
        snapshot_file_close(file);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void test_a_file_that_was_not_committed_changes_nothing(void **state)
{
    (void)state;
    write_snapshot(3);
    char(*paths)[32] = NULL;
    snapshot_stream_free(write_records(50, &paths));
    free(paths);
    struct snapshot_file *file = open_as(&KIND);
    assert_int_equal(snapshot_file_count(file), 3);
    snapshot_file_close(file);
    CLEANUP_FREE char *line = memory_printf("test \"$(ls -A %s)\" = snapshot", directory);
    assert_int_equal(system(line), 0); // NOLINT(cert-env33-c): no other file is left
}

static void test_another_kind_is_not_read(void **state)
{
    (void)state;
    write_snapshot(3);
    struct snapshot_kind other = KIND;
    other.magic = (struct bytes){"test's SNAPSHOT\n", SNAPSHOT_MAGIC};
    assert_null(open_as(&other));
    struct snapshot_kind narrow = KIND; /* for whom the block is too large */
    narrow.block_max = 10;
    struct snapshot_file *file = open_as(&narrow);
    assert_non_null(file);
    struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(file);
    assert_false(find(cursor, 0));
    snapshot_file_cursor_free(cursor);
    snapshot_file_close(file);
}

/* How many of COUNT records, and of the extra part, are still found: each that is, is right. */
static size_t count_found(size_t count)
{
    struct snapshot_file *file = open_as(&KIND);
    if (file == NULL) {
        return 0;
    }
    size_t found = has_extra(file);
    struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(file);
    for (size_t i = 0; i < count; i++) {
        found += find(cursor, 2 * i);
        assert_false(find(cursor, 2 * i + 1));
    }
    snapshot_file_cursor_free(cursor);
    snapshot_file_close(file);
    return found;
}

enum { FEW = 6 };

static void test_damage_is_found(void **state)
{
    (void)state;
    write_snapshot(FEW);
    assert_int_equal(count_found(FEW), FEW + 1);
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    assert_true(file_read(path, &text, NULL, &e));
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] ^= 0x20;
        assert_true(file_replace(path, buffer_bytes(&text), 0600, &e));
        if (count_found(FEW) > FEW) {
            fail_msg("octet %zu of %zu changed, and nothing was missed", i, text.n);
        }
        text.p[i] ^= 0x20;
    }
}

static void test_a_shorter_file_is_none(void **state)
{
    (void)state;
    write_snapshot(FEW);
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    assert_true(file_read(path, &text, NULL, &e));
    for (size_t n = 0; n < text.n; n++) {
        assert_true(file_replace(path, (struct bytes){text.p, n}, 0600, &e));
        assert_null(open_as(&KIND));
    }
}

static void test_without_a_file_nothing_is_found(void **state)
{
    (void)state;
    struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(NULL);
    assert_false(find(cursor, 0));
    snapshot_file_cursor_free(cursor);
    assert_null(snapshot_file_open_fd(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &KIND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_was_not_committed_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_another_kind_is_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_shorter_file_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_file_nothing_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
