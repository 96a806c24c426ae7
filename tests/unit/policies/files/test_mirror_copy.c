/* Copies of mirrored policies, and what is served for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/files/mirror_copy.h"
#include "policies/model/policy_text.h"

static struct policy *parse(struct bytes text)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    assert_true(policy_text_parse(text, "test", &policy, &d));
    return policy;
}

static void the_mode_is_capped_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        enum policy_mode cap;
        const char *upstream;
        const char *want;
    } ROWS[] = {
        {POLICY_ENFORCE, "enforce", "enforce"}, {POLICY_TESTING, "enforce", "testing"},
        {POLICY_ENFORCE, "testing", "testing"}, {POLICY_TESTING, "testing", "testing"},
        {POLICY_ENFORCE, "none", "none"},       {POLICY_TESTING, "none", "none"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct policy_mirror mirror = {.mode = ROWS[i].cap};
        CLEANUP_FREE char *text =
            memory_printf("version: STSv1\nmode: %s\nmx: b.example\nmx: *.a.example\nmax_age: 7\n",
                          ROWS[i].upstream);
        CLEANUP_FREE char *want = memory_printf(
            "version: STSv1\r\nmode: %s\r\nmx: b.example\r\nmx: *.a.example\r\nmax_age: 7\r\n",
            ROWS[i].want);
        struct policy *upstream = parse(bytes_of(text));
        struct policy *served = policy_mirror_render(&mirror, upstream);
        assert_ptr_not_equal(served, upstream); /* readers may have both */
        if (!bytes_equal(policy_body(served), bytes_of(want))) {
            fail_msg("row %zu: %.*s", i, BYTES_ARG(policy_body(served)));
        }
        policy_free(upstream);
        policy_free(served);
    }
}

static void a_copy_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct error e = {0};
    char top[] = "/tmp/test-mirror-XXXXXX";
    assert_non_null(mkdtemp(top));
    CLEANUP_FREE char *directory = mirror_copy_directory(top);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    buffer_add_string(&text, "version: STSv1\r\nmode: enforce\r\n");
    while (text.n + 40 < POLICY_BODY_MAX) { /* the largest there may be */
        buffer_printf(&text, "mx: a%zu.example\r\n", text.n);
    }
    buffer_add_string(&text, "max_age: 604800\r\n");
    struct mirror_copy copy = {
        .policy = parse(buffer_bytes(&text)), .id = {"20190429T010101"}, .fetched_s = 1764000000};
    struct mirror_copy back = {0};
    assert_false(mirror_copy_read(directory, BYTES("gmail.com"), &back, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    for (int i = 0; i < 2; i++) {
        if (!mirror_copy_write(directory, BYTES("gmail.com"), &copy, &e) ||
            !mirror_copy_read(directory, BYTES("gmail.com"), &back, &e)) {
            fail_msg("%s", e.text);
        }
        assert_true(policy_equal(back.policy, copy.policy));
        assert_string_equal(back.id.text, copy.id.text);
        assert_int_equal(back.fetched_s, copy.fetched_s);
        mirror_copy_clear(&back);
    }
    CLEANUP_FREE char *path = file_path_join(directory, "gmail.com");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    /* It promises a week, and a day is added. */
    assert_false(mirror_copy_is_over(&copy, copy.fetched_s - 1));
    assert_false(mirror_copy_is_over(&copy, copy.fetched_s + 8 * 86400));
    assert_true(mirror_copy_is_over(&copy, copy.fetched_s + 8 * 86400 + 1));
    mirror_copy_clear(&copy);
    mirror_copy_remove(directory, BYTES("gmail.com"));
    assert_int_equal(stat(path, &status), -1);
    mirror_copy_remove(directory, BYTES("gmail.com"));
    rmdir(directory);
    rmdir(top);
}

static void damaged_copies_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } ROWS[] = {
        {"empty", ""},
        {"cut off", "id: \"1\"\nfetched: 5\n"},
        {"no policy in it", "id: \"1\"\nfetched: 5\npolicy: |\n  mode: enforce\n"},
        {"no mx", "id: \"1\"\nfetched: 5\npolicy: |\n  version: STSv1\n  mode: enforce\n"
                  "  max_age: 1\n"},
        {"no id", "id: \"a b\"\nfetched: 5\npolicy: |\n  version: STSv1\n  mode: none\n"
                  "  max_age: 1\n"},
        {"a time below zero", "id: \"1\"\nfetched: -5\npolicy: |\n  version: STSv1\n  mode: none\n"
                              "  max_age: 1\n"},
        {"not YAML", "id: [\n"},
        {"a list", "[1, 2]\n"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct mirror_copy copy = {0};
        struct error e = {0};
        if (mirror_copy_parse(bytes_of(ROWS[i].text), "copy", &copy, &e)) {
            fail_msg("%s: read", ROWS[i].name);
        }
        assert_int_equal(e.code, ERROR_SYNTAX);
        assert_non_null(strstr(e.text, "remove it"));
        assert_null(copy.policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mode_is_capped_and_nothing_else),
        cmocka_unit_test(a_copy_is_read_as_it_was_written),
        cmocka_unit_test(damaged_copies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
