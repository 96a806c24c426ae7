#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/base/buffer.h"
#include "lib/base/log.h"
#include "lib/base/memory.h"

enum { OUT_MAX = 64 * 1024, THREADS = 4, LINES = 500 };

/* What EVENT with FIELDS becomes; the caller frees it. */
static char *line_of(enum log_format format, enum log_level level, const struct log_field *fields,
                     size_t count)
{
    int ends[2];
    char *text = memory_zero(1, OUT_MAX);
    assert_int_equal(pipe(ends), 0);
    struct log *log = log_new(ends[1], format, LOG_LEVEL_INFO);
    log_fields(log, level, "policies.loaded", fields, count);
    log_free(log);
    close(ends[1]);
    assert_true(read(ends[0], text, OUT_MAX - 1) >= 0);
    close(ends[0]);
    return text;
}

#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

static void test_formats(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum log_format format;
        struct log_field field;
        const char *want;
    } rows[] = {
        {"text",
         LOG_FORMAT_TEXT,
         {.name = "file", .text = {"a.yaml", 6}},
         "^" TIME " info policies.loaded file=a.yaml\n$"},
        {"number",
         LOG_FORMAT_TEXT,
         {.name = "n", .number = -5, .is_number = true},
         "^" TIME " info policies.loaded n=-5\n$"},
        {"spaces are quoted",
         LOG_FORMAT_TEXT,
         {.name = "f", .text = {"a b", 3}},
         "^.* f=\"a b\"\n$"},
        {"nothing is quoted", LOG_FORMAT_TEXT, {.name = "f", .text = {"", 0}}, "^.* f=\"\"\n$"},
        {"one event stays one line",
         LOG_FORMAT_TEXT,
         {.name = "f", .text = {"a\nb", 3}},
         "^[^\n]* f=\"a\\\\u000ab\"\n$"},
        {"quotes",
         LOG_FORMAT_TEXT,
         {.name = "f", .text = {"a\"\\", 3}},
         "^.* f=\"a\\\\\"\\\\\\\\\"\n$"},
        {"JSON",
         LOG_FORMAT_JSON,
         {.name = "f", .text = {"a\tb", 3}},
         "^\\{\"time\":\"" TIME
         "\",\"level\":\"info\",\"event\":\"policies.loaded\",\"f\":\"a\\\\u0009b\"\\}\n$"},
        {"octets stay recognisable",
         LOG_FORMAT_TEXT,
         {.name = "f", .text = {"a\x9b\xff", 3}},
         "^.* f=\"a\\\\\\\\x9b\\\\\\\\xff\"\n$"},
        {"a letter is bare", LOG_FORMAT_TEXT, {.name = "f", .text = BYTES("ä")}, "^.* f=ä\n$"},
        {"what turns text is quoted",
         LOG_FORMAT_TEXT,
         {.name = "f", .text = BYTES("\xe2\x80\xae")},
         "^.* f=\"\\\\u202e\"\n$"},
        {"JSON of octets",
         LOG_FORMAT_JSON,
         {.name = "f", .text = {"\x9b\xc2\x9b", 3}},
         "^.*,\"f\":\"\\\\\\\\x9b\\\\u009b\"\\}\n$"},
        {"JSON number",
         LOG_FORMAT_JSON,
         {.name = "n", .number = 5, .is_number = true},
         "^.*,\"n\":5\\}\n$"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        regex_t regex;
        CLEANUP_FREE char *line = line_of(rows[i].format, LOG_LEVEL_INFO, &rows[i].field, 1);
        assert_int_equal(regcomp(&regex, rows[i].want, REG_EXTENDED | REG_NOSUB), 0);
        if (regexec(&regex, line, 0, NULL, 0) != 0) {
            fail_msg("row '%s': %s", rows[i].name, line);
        }
        regfree(&regex);
    }
}

static void test_levels(void **state)
{
    (void)state;
    CLEANUP_FREE char *debug = line_of(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, NULL, 0);
    CLEANUP_FREE char *error = line_of(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, NULL, 0);
    assert_string_equal(debug, "");
    assert_non_null(strstr(error, " error policies.loaded\n"));
}

static void test_a_line_too_long_is_cut(void **state)
{
    (void)state;
    char big[40000];
    memset(big, 'x', sizeof(big));
    const struct log_field field = {.name = "big", .text = {big, sizeof(big)}};
    CLEANUP_FREE char *line = line_of(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &field, 1);
    size_t n = strlen(line);
    assert_in_range(n, 1, 16 * 1024);
    assert_int_equal(line[n - 1], '\n');
}

/* Whatever is too long, and in whichever field: a reader of JSON gets its line. */
static void test_a_json_line_too_long_is_json(void **state)
{
    (void)state;
    static const char *const pieces[] = {"x", "\"", "\xff", "\x1b", "€"};
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        CLEANUP(buffer_clear) struct buffer big = BUFFER(100000);
        while (big.n < 15000 + i) {
            buffer_add_string(&big, pieces[i]);
        }
        const struct log_field fields[] = {LOG_BYTES("first", buffer_bytes(&big)),
                                           LOG_BYTES("second", buffer_bytes(&big)),
                                           LOG_NUMBER("third", INT64_MIN)};
        CLEANUP_FREE char *line = line_of(LOG_FORMAT_JSON, LOG_LEVEL_INFO, fields, 3);
        assert_in_range(strlen(line), 15000, 16 * 1024);
        json_t *parsed = json_loads(line, 0, NULL);
        assert_non_null(parsed);
        assert_non_null(json_object_get(parsed, "first"));
        json_decref(parsed);
    }
}

static void *write_lines(void *log)
{
    for (int i = 0; i < LINES; i++) {
        log_event(log, LOG_LEVEL_INFO, "thread.line", LOG_TEXT("text", "aaaaaaaaaaaaaaaaaaaaaaaa"),
                  LOG_NUMBER("n", 12345));
    }
    return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    char line[256];
    size_t count = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    struct log *log = log_new(fileno(file), LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    log_free(log);
    rewind(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        assert_non_null(strstr(line, "Z info thread.line text=aaaaaaaaaaaaaaaaaaaaaaaa n=12345\n"));
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_a_line_too_long_is_cut),
        cmocka_unit_test(test_a_json_line_too_long_is_json),
        cmocka_unit_test(test_lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
