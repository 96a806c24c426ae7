/* tests/data/policies: a policy file, and its errors to the letter or, for a good one, the YAML it
 * prints as (and which prints as itself). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gallery.h"
#include "policies/files/policy_file.h"

enum { CASES_MIN = 60 };

static const struct policy_file_defaults defaults = {.max_age_s = 604800};

static void print_file(struct bytes text, struct buffer *out)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy_file file;
    if (policy_file_parse(text, "policies.yaml", &defaults, &file, &d)) {
        assert_int_equal(d.count, 0);
        policy_file_print(&file, out);
        policy_file_clear(&file);
        return;
    }
    assert_int_equal(d.errors, d.count);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        buffer_printf(out, "%s\n", line);
    }
}

static void produce(const char *directory, struct bytes input, struct buffer *out)
{
    (void)directory;
    print_file(input, out);
    if (!bytes_starts_with(buffer_bytes(out), BYTES("policies.yaml:"))) {
        CLEANUP(buffer_clear) struct buffer again = BUFFER(GALLERY_FILE_MAX);
        print_file(buffer_bytes(out), &again);
        assert_string_equal(again.p, out->p);
    }
}

static void files_are_read_or_refused_as_wanted(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(gallery_run(TEST_DATA_DIR "/policies", produce, &count), 0);
    assert_true(count >= CASES_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_or_refused_as_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
