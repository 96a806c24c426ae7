/* The gallery of bad configurations: tests/data/settings/CASE/{input,want}, exact messages. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/settings.h"
#include "lib/base/buffer.h"
#include "lib/base/file.h"

static const char DIRECTORY[] = TEST_DATA_DIR "/settings";

enum { FILE_MAX_OCTETS = 1024 * 1024, CASES_MIN = 60 };

static void read_file(const char *name, const char *file, struct buffer *ret_text)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s/%s", DIRECTORY, name, file);
    struct error e;
    *ret_text = BUFFER(FILE_MAX_OCTETS);
    if (!file_read(path, ret_text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
}

/* What is printed to whoever wrote the file. */
static void check(struct bytes input, struct buffer *ret_text)
{
    struct settings *settings = NULL;
    struct diagnostics d = {0};
    bool good = settings_parse(input, "mtasts-host.yaml", &settings, &d);
    assert_int_equal(good, d.errors == 0);
    assert_int_equal(good, settings != NULL);
    settings_free(settings);
    diagnostics_sort(&d);
    *ret_text = BUFFER(FILE_MAX_OCTETS);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        buffer_printf(ret_text, "%s\n", line);
    }
    diagnostics_clear(&d);
}

static int select_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void test_gallery(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    int count = scandir(DIRECTORY, &entries, select_case, alphasort);
    assert_true(count >= CASES_MIN);
    int failed = 0;
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        CLEANUP(buffer_clear) struct buffer input = {0};
        CLEANUP(buffer_clear) struct buffer want = {0};
        CLEANUP(buffer_clear) struct buffer got = {0};
        read_file(entry->d_name, "input", &input);
        read_file(entry->d_name, "want", &want);
        check(buffer_bytes(&input), &got);
        if (!bytes_equal(buffer_bytes(&got), buffer_bytes(&want))) {
            print_error("%s: got\n%s", entry->d_name, buffer_bytes(&got).p);
            failed++;
        }
    }
    free(entries);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gallery)};
    return cmocka_run_group_tests_name("config/settings_gallery", tests, NULL, NULL);
}
