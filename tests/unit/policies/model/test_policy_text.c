/* Each directory in tests/data/policy_text is a case: `input` as fetched, `want` as told: the
 * diagnostics, then, where the text is a valid policy, `---` and its safe form (line ends as LF).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/model/policy_text.h"

enum { FILE_MAX = 1024 * 1024, CASES_MIN = 40 };

static void read_file(const char *directory, const char *name, struct buffer *text)
{
    CLEANUP_FREE char *path = file_path_join(directory, name);
    struct error e = {0};
    if (!file_read(path, text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
}

static void describe(struct bytes text, struct buffer *out)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    bool valid = policy_text_parse(text, "input", &policy, &d);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        buffer_printf(out, "%s\n", line);
    }
    assert_int_equal(valid, d.errors == 0);
    assert_int_equal(valid, policy != NULL);
    if (!valid) {
        return;
    }
    buffer_add(out, BYTES("---\n"));
    for (size_t i = 0; i < policy->body_length; i++) {
        if (policy->body[i] != '\r') {
            buffer_add(out, (struct bytes){&policy->body[i], 1});
        }
    }
    policy_free(policy);
}

static void run_case(const char *name)
{
    CLEANUP_FREE char *directory = file_path_join(TEST_DATA_DIR "/policy_text", name);
    CLEANUP(buffer_clear) struct buffer input = BUFFER(FILE_MAX);
    CLEANUP(buffer_clear) struct buffer want = BUFFER(FILE_MAX);
    CLEANUP(buffer_clear) struct buffer got = BUFFER(FILE_MAX);
    read_file(directory, "input", &input);
    read_file(directory, "want", &want);
    describe(buffer_bytes(&input), &got);
    if (!bytes_equal(buffer_bytes(&got), buffer_bytes(&want))) {
        fail_msg("%s: got\n%.*swant\n%.*s", name, BYTES_ARG(buffer_bytes(&got)),
                 BYTES_ARG(buffer_bytes(&want)));
    }
}

static void test_cases(void **state)
{
    (void)state;
    DIR *cases = opendir(TEST_DATA_DIR "/policy_text");
    assert_non_null(cases);
    size_t count = 0;
    for (struct dirent *entry = readdir(cases); entry != NULL; entry = readdir(cases)) {
        if (entry->d_name[0] != '.') {
            run_case(entry->d_name);
            count++;
        }
    }
    closedir(cases);
    assert_true(count >= CASES_MIN);
}

/* A policy that is fine, but for its LENGTH. */
static bool parse_of_length(size_t length)
{
    static const char head[] =
        "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\nx: ";
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FILE_MAX);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    buffer_add_string(&text, head);
    while (text.n < length) {
        buffer_add(&text, BYTES("x"));
    }
    bool valid = policy_text_parse(buffer_bytes(&text), "input", &policy, &d);
    policy_free(policy);
    return valid;
}

static void test_bounds_the_text(void **state)
{
    (void)state;
    assert_true(parse_of_length(POLICY_BODY_MAX));
    assert_false(parse_of_length(POLICY_BODY_MAX + 1));
}

/* LF becomes CRLF: a text within the bound whose safe form is not. */
static void test_bounds_the_safe_form(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FILE_MAX);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    buffer_add_string(&text, "version:STSv1\nmode:enforce\nmax_age:86400\n");
    while (text.n < POLICY_BODY_MAX - 10) {
        buffer_add(&text, BYTES("mx:a.b\n"));
    }
    assert_false(policy_text_parse(buffer_bytes(&text), "input", &policy, &d));
    assert_null(policy);
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(d.items[0].text, "65536"));
}

static void test_nul_is_no_end(void **state)
{
    (void)state;
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    assert_false(policy_text_parse(BYTES("version: STSv1\nmode: none\nmax_age: 86400\nx: a\0b\n"),
                                   "input", &policy, &d));
    assert_int_equal(d.count, 1);
    assert_int_equal(d.items[0].line, 4);
    assert_int_equal(d.items[0].column, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_bounds_the_text),
        cmocka_unit_test(test_bounds_the_safe_form),
        cmocka_unit_test(test_nul_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
