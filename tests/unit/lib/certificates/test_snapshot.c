#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/certificates/snapshot_format.h"
#include "lib/certificates/snapshot_reader.h"
#include "lib/certificates/snapshot_writer.h"
#include "make.h"

enum { PAIRS = 100 };

struct fixture {
    char directory[64];
    char *path;
    EVP_PKEY *key;
    EVP_PKEY *rsa;
    struct chain_pool *pool;
    struct certificate_pair *pairs[PAIRS]; /* by path */
};

static struct file_identity identity_of(size_t i, size_t file)
{
    return (struct file_identity){.device = 1, .inode = i + 1, .size = file, .modified_ns = -5};
}

/* Every third has a key file of its own, every seventh an RSA key; two chains take turns. */
static struct certificate_pair *make_known(struct fixture *f, size_t i)
{
    EVP_PKEY *key = i % 7 == 0 ? f->rsa : f->key;
    CLEANUP_FREE char *sans = memory_printf("DNS:n%zu.example,DNS:*.n%zu.example", i, i);
    CLEANUP_FREE char *path = memory_printf("/certs/%03zu.pem", i);
    struct certificate_pair *pair = make_pair(key, sans, DAY);
    struct certificate_chain *chain = chain_pool_add(f->pool, i % 2 ? BYTES("one") : BYTES("two"));
    const struct file_identity files[] = {identity_of(i, 0), identity_of(i, 1)};
    const struct pair_parts parts = {
        .leaf = certificate_pair_leaf(pair),
        .chain = chain,
        .key = certificate_pair_key(pair),
        .rsa = certificate_pair_is_rsa(pair),
        .path = path,
        .names = certificate_pair_names(pair),
        .name_count = certificate_pair_name_count(pair),
        .not_before = certificate_pair_not_before(pair),
        .not_after = certificate_pair_not_after(pair),
        .files = files,
        .file_count = i % 3 == 0 ? 2 : 1,
    };
    struct certificate_pair *known = certificate_pair_new(&parts);
    certificate_chain_unref(chain);
    certificate_pair_unref(pair);
    return known;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test_snapshot.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->path = file_path_join(f->directory, "certificates.snapshot");
    f->key = make_key("P-256", 0);
    f->rsa = make_key("RSA", 2048);
    f->pool = chain_pool_new();
    for (size_t i = 0; i < PAIRS; i++) {
        f->pairs[i] = make_known(f, i);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    (void)rmdir(f->directory);
    for (size_t i = 0; i < PAIRS; i++) {
        certificate_pair_unref(f->pairs[i]);
    }
    chain_pool_unref(f->pool);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->rsa);
    free(f->path);
    free(f);
    return 0;
}

static void write_first(struct fixture *f, size_t count)
{
    const _Atomic bool stop = false;
    struct error e;
    if (!snapshot_write(f->path, f->pairs, count, &stop, &e)) {
        fail_msg("%s", e.text);
    }
}

static struct certificate_pair *find(struct snapshot_cursor *cursor,
                                     const struct certificate_pair *pair)
{
    return snapshot_find(cursor, certificate_pair_path(pair), certificate_pair_files(pair),
                         certificate_pair_file_count(pair));
}

static void assert_same(const struct certificate_pair *a, const struct certificate_pair *b)
{
    assert_string_equal(certificate_pair_path(a), certificate_pair_path(b));
    assert_true(bytes_equal(certificate_pair_leaf(a), certificate_pair_leaf(b)));
    assert_true(bytes_equal(certificate_pair_key(a), certificate_pair_key(b)));
    assert_true(bytes_equal(certificate_pair_names(a), certificate_pair_names(b)));
    assert_int_equal(certificate_pair_name_count(a), certificate_pair_name_count(b));
    assert_int_equal(certificate_pair_is_rsa(a), certificate_pair_is_rsa(b));
    assert_int_equal(certificate_pair_not_before(a), certificate_pair_not_before(b));
    assert_int_equal(certificate_pair_not_after(a), certificate_pair_not_after(b));
    assert_ptr_equal(certificate_pair_chain(a), certificate_pair_chain(b)); /* one pool */
    assert_int_equal(certificate_pair_file_count(a), certificate_pair_file_count(b));
    for (size_t i = 0; i < certificate_pair_file_count(a); i++) {
        assert_true(
            file_identity_equal(&certificate_pair_files(a)[i], &certificate_pair_files(b)[i]));
    }
}

static void test_what_was_written_is_found(void **state)
{
    struct fixture *f = *state;
    write_first(f, PAIRS);
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    struct snapshot *snapshot = snapshot_open(f->path, f->pool);
    assert_non_null(snapshot);
    assert_int_equal(snapshot_count(snapshot), PAIRS);
    struct snapshot_cursor *cursor = snapshot_cursor_new(snapshot);
    for (size_t i = 0; i < 2 * PAIRS; i++) { /* in their order, then in another */
        const struct certificate_pair *want = f->pairs[i < PAIRS ? i : i * 17 % PAIRS];
        struct certificate_pair *found = find(cursor, want);
        assert_non_null(found);
        assert_same(found, want);
        certificate_pair_unref(found);
    }
    snapshot_cursor_free(cursor);
    snapshot_close(snapshot);
}

static void test_what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    write_first(f, PAIRS - 1);
    struct snapshot *snapshot = snapshot_open(f->path, f->pool);
    struct snapshot_cursor *cursor = snapshot_cursor_new(snapshot);
    struct file_identity files[] = {identity_of(3, 0), identity_of(3, 1)};
    assert_null(find(cursor, f->pairs[PAIRS - 1]));
    assert_null(snapshot_find(cursor, "/a", files, 2));            /* before the first */
    assert_null(snapshot_find(cursor, "/certs/003.pe", files, 2)); /* between */
    assert_null(snapshot_find(cursor, "/certs/003.pem", files, 1));
    files[1].changed_ns++;
    assert_null(snapshot_find(cursor, "/certs/003.pem", files, 2));
    files[1].changed_ns--;
    struct certificate_pair *found = snapshot_find(cursor, "/certs/003.pem", files, 2);
    assert_non_null(found);
    certificate_pair_unref(found);
    snapshot_cursor_free(cursor);
    snapshot_close(snapshot);
}

static void test_nothing(void **state)
{
    struct fixture *f = *state;
    assert_null(snapshot_open(f->path, f->pool)); /* not there */
    assert_null(snapshot_open(f->directory, f->pool));
    struct snapshot_cursor *cursor = snapshot_cursor_new(NULL);
    assert_null(find(cursor, f->pairs[0]));
    snapshot_cursor_free(cursor);
    write_first(f, 0);
    struct snapshot *snapshot = snapshot_open(f->path, f->pool);
    assert_non_null(snapshot);
    assert_int_equal(snapshot_count(snapshot), 0);
    snapshot_close(snapshot);
}

static void test_a_stop_leaves_the_old_one(void **state)
{
    struct fixture *f = *state;
    const _Atomic bool stop = true;
    struct error e;
    write_first(f, 2);
    assert_false(snapshot_write(f->path, f->pairs, PAIRS, &stop, &e));
    assert_int_equal(e.code, ERROR_RETRY);
    struct snapshot *snapshot = snapshot_open(f->path, f->pool);
    assert_int_equal(snapshot_count(snapshot), 2);
    snapshot_close(snapshot);
    CLEANUP_FREE char *left = memory_printf("ls -A %s | wc -l | grep -qx 1", f->directory);
    assert_int_equal(system(left), 0); // NOLINT(cert-env33-c)
}

/* What a damaged file still gives is what was written: how many of the pairs. */
static size_t look_at_damaged(struct fixture *f, struct bytes text)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    assert_true(write(fd, text.p, text.n) == (ssize_t)text.n);
    struct snapshot *snapshot = snapshot_open_fd(fd, f->pool);
    struct snapshot_cursor *cursor = snapshot_cursor_new(snapshot);
    size_t found = 0;
    for (size_t i = 0; snapshot != NULL && i < PAIRS; i++) {
        struct certificate_pair *pair = find(cursor, f->pairs[i]);
        if (pair != NULL) {
            assert_same(pair, f->pairs[i]);
            certificate_pair_unref(pair);
            found++;
        }
    }
    snapshot_cursor_free(cursor);
    snapshot_close(snapshot);
    return found;
}

static void read_snapshot(struct fixture *f, struct buffer *text)
{
    struct error e;
    if (!file_read(f->path, text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
}

static void test_every_truncation_is_seen(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    write_first(f, 5);
    read_snapshot(f, &text);
    assert_int_equal(look_at_damaged(f, buffer_bytes(&text)), 5);
    for (size_t keep = 0; keep < text.n; keep++) {
        if (look_at_damaged(f, (struct bytes){text.p, keep}) != 0) {
            fail_msg("cut at %zu of %zu", keep, text.n);
        }
    }
}

static void test_every_flipped_bit_is_seen(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    write_first(f, 3);
    read_snapshot(f, &text);
    for (size_t bit = 0; bit < text.n * 8; bit++) {
        text.p[bit / 8] ^= (char)(1 << bit % 8);
        if (look_at_damaged(f, buffer_bytes(&text)) != 0) {
            fail_msg("bit %zu of octet %zu of %zu", bit % 8, bit / 8, text.n);
        }
        text.p[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* A damaged block takes none of the others with it. */
static void test_damage_stays_in_its_block(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    write_first(f, PAIRS);
    read_snapshot(f, &text);
    assert_true(text.n > SNAPSHOT_BLOCK); /* there are two blocks */
    text.p[100] ^= 1;
    size_t found = look_at_damaged(f, buffer_bytes(&text));
    assert_in_range(found, 1, PAIRS - 1);
}

/* With digests that are right: lengths alone are left to be checked. */
static void test_records_that_do_not_add_up(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buffer_clear) struct buffer record = BUFFER(1 << 16);
    snapshot_add_record(&record, f->pairs[1], 0);
    struct snapshot_record read;
    assert_true(snapshot_read_record(buffer_bytes(&record), &read));
    for (size_t at = 0; at < record.n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            CLEANUP_FREE char *exact = memory_alloc(record.n);
            memcpy(exact, record.p, record.n);
            exact[at] ^= (char)(1 << bit);
            const struct bytes changed = {exact, record.n};
            struct bytes rest = changed;
            (void)snapshot_peek_path(changed);
            (void)snapshot_skip_record(&rest);
            if (snapshot_read_record(changed, &read)) {
                read.parts.chain = certificate_pair_chain(f->pairs[1]);
                certificate_pair_unref(certificate_pair_new(&read.parts));
            }
        }
        CLEANUP_FREE char *cut = memory_alloc(at);
        memcpy(cut, record.p, at);
        assert_false(snapshot_read_record((struct bytes){cut, at}, &read));
        assert_null(snapshot_peek_path((struct bytes){cut, at}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_written_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stop_leaves_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_truncation_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_stays_in_its_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records_that_do_not_add_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
