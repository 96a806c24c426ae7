#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gallery.h"
#include "lib/base/snapshot_part.h"
#include "policies/files/version_record.h"

static const struct policy_file_defaults defaults = {.max_age_s = 604800};

static const char everything[] =
    "policies:\n"
    "  google: {mode: enforce, mx: [a.example, '*.b.example'], max_age: 1w, id: \"2026\"}\n"
    "  gmail: {mirror: gmail.com, mode: testing}\n"
    "domains:\n"
    "  a.example: google\n"
    "  b.example: {policy: gmail, tlsrpt: ['mailto:t@a.example', 'https://r.example/?a=,']}\n"
    "  c.example: {mode: testing, mx: [mx.c.example], id: 12, tlsrpt: 'mailto:t@c.example'}\n"
    "  d.example: {mode: none}\n";

static bool parse(struct bytes text, struct policy_file *ret_file)
{
    struct diagnostics d = {0};
    bool good = policy_file_parse(text, "a.yaml", &defaults, ret_file, &d);
    diagnostics_clear(&d);
    return good;
}

static void assert_same_place(struct policy_file_place a, struct policy_file_place b)
{
    assert_int_equal(a.line, b.line);
    assert_int_equal(a.column, b.column);
}

static void assert_same_policy(const struct policy *a, const struct policy *b)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a != NULL && b != NULL) {
        assert_true(policy_equal(a, b));
        assert_int_equal(a->mode, b->mode);
        assert_int_equal(a->max_age_s, b->max_age_s);
        assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
        assert_string_equal(a->etag, b->etag);
    }
}

static void assert_same_entries(const struct policy_file_entry *a, size_t a_count,
                                const struct policy_file_entry *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_true(bytes_equal(a[i].name, b[i].name));
        assert_same_place(a[i].place, b[i].place);
        assert_same_policy(a[i].policy, b[i].policy);
        assert_int_equal(a[i].mirror != NULL, b[i].mirror != NULL);
        assert_true(a[i].mirror == NULL || policy_mirror_equal(a[i].mirror, b[i].mirror));
        assert_true(bytes_equal(a[i].shared, b[i].shared));
        assert_same_place(a[i].shared_place, b[i].shared_place);
        assert_true(bytes_equal(a[i].id, b[i].id));
        assert_same_place(a[i].id_place, b[i].id_place);
        assert_true(bytes_equal(a[i].tlsrpt, b[i].tlsrpt));
    }
}

static void assert_comes_back(const struct policy_file *file)
{
    CLEANUP(buffer_clear) struct buffer record = BUFFER(1 << 22);
    CLEANUP(buffer_clear) struct buffer again = BUFFER(1 << 22);
    struct policy_file back;
    version_record_add(&record, file);
    assert_true(version_record_read(buffer_bytes(&record), &back));
    assert_same_entries(file->policies, file->policy_count, back.policies, back.policy_count);
    assert_same_entries(file->domains, file->domain_count, back.domains, back.domain_count);
    version_record_add(&again, &back);
    assert_true(bytes_equal(buffer_bytes(&record), buffer_bytes(&again)));
    policy_file_clear(&back);
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    struct policy_file file;
    assert_true(parse(bytes_of(everything), &file));
    assert_int_equal(file.policy_count, 2);
    assert_int_equal(file.domain_count, 4);
    assert_comes_back(&file);
    policy_file_clear(&file);
}

static void test_the_gallery_comes_back(void **state)
{
    (void)state;
    const char *gallery = TEST_DATA_DIR "/policies";
    struct dirent **cases = NULL;
    int count = scandir(gallery, &cases, NULL, alphasort);
    size_t compared = 0;
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = file_path_join(gallery, cases[i]->d_name);
        CLEANUP(buffer_clear) struct buffer text = gallery_read(path, "input");
        struct policy_file file;
        if (cases[i]->d_name[0] != '.' && parse(buffer_bytes(&text), &file)) {
            assert_comes_back(&file);
            policy_file_clear(&file);
            compared++;
        }
        free(cases[i]);
    }
    free(cases);
    assert_true(compared > 5);
}

/* What it is without its last octets, which are the digest of the others. */
static const size_t digest_octets = 8;

static void seal(struct buffer *record)
{
    record->n -= digest_octets;
    uint64_t digest = htole64(snapshot_digest(buffer_bytes(record), 0));
    buffer_add(record, (struct bytes){(const char *)&digest, sizeof(digest)});
}

static struct buffer record_of(const char *yaml)
{
    struct buffer record = BUFFER(1 << 16);
    struct policy_file file;
    assert_true(parse(bytes_of(yaml), &file));
    version_record_add(&record, &file);
    policy_file_clear(&file);
    return record;
}

/* Once with the digest as it was, which sees it; once with a right one, which a faulty program
 * would have written: what is read all the same writes the same again. */
static void try_flipped(struct bytes record, size_t at, int bit)
{
    CLEANUP(buffer_clear) struct buffer flipped = BUFFER(1 << 16);
    CLEANUP(buffer_clear) struct buffer again = BUFFER(1 << 16);
    struct policy_file back;
    buffer_add(&flipped, record);
    flipped.p[at] ^= (char)(1 << bit);
    assert_false(version_record_read(buffer_bytes(&flipped), &back));
    seal(&flipped);
    if (version_record_read(buffer_bytes(&flipped), &back)) {
        version_record_add(&again, &back);
        policy_file_clear(&back);
        assert_true(bytes_equal(buffer_bytes(&again), buffer_bytes(&flipped)));
    }
}

static void test_flips_and_cuts(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer record = record_of(everything);
    struct policy_file back;
    for (size_t at = 0; at < record.n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            try_flipped(buffer_bytes(&record), at, bit);
        }
        CLEANUP_FREE char *cut = memory_alloc(at + 1);
        memcpy(cut, record.p, at);
        assert_false(version_record_read((struct bytes){cut, at}, &back));
    }
}

static void test_another_format_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer record = record_of(everything);
    struct policy_file back;
    assert_true(version_record_read(buffer_bytes(&record), &back));
    policy_file_clear(&back);
    record.p[0]++;
    seal(&record);
    assert_false(version_record_read(buffer_bytes(&record), &back));
}

static void test_most_domains_are_small(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer one = record_of("domains: {a.example: google}\n");
    CLEANUP(buffer_clear)
    struct buffer two = record_of("domains: {a.example: google, b.example: google}\n");
    const size_t names = sizeof("b.example") - 1 + sizeof("google") - 1;
    assert_true(two.n - one.n <= names + 7);
}

static void test_what_the_parse_depends_on(void **state)
{
    (void)state;
    struct policy_file_defaults other = {.max_age_s = 604801};
    assert_true(version_record_reader(&defaults) == version_record_reader(&defaults));
    assert_true(version_record_reader(&defaults) != version_record_reader(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_the_gallery_comes_back),
        cmocka_unit_test(test_flips_and_cuts),
        cmocka_unit_test(test_another_format_is_refused),
        cmocka_unit_test(test_most_domains_are_small),
        cmocka_unit_test(test_what_the_parse_depends_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
