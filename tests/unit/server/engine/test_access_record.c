#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/base/memory.h"
#include "server/engine/access_record.h"

static struct access_record record_of(const char *method, const char *path, const char *agent)
{
    struct access_record record = {
        .time_ms = 1795443300123, /* 2026-11-23 14:15:00.123 UTC */
        .octets = 97,
        .status = 200,
        .version = 0x101,
    };
    access_record_set(record.address, sizeof(record.address), BYTES("192.0.2.1"));
    access_record_set(record.host, sizeof(record.host), BYTES("mta-sts.example.org"));
    access_record_set(record.method, sizeof(record.method), bytes_of(method));
    access_record_set(record.path, sizeof(record.path), bytes_of(path));
    access_record_set(record.agent, sizeof(record.agent), bytes_of(agent));
    return record;
}

static const struct {
    const char *name;
    const char *path;
    const char *agent;
    const char *combined;
    const char *json;
} rows[] = {
    {"ordinary", "/p", "curl/8",
     "192.0.2.1 - - [23/Nov/2026:14:15:00 +0000] \"GET /p HTTP/1.1\" 200 97 \"-\" \"curl/8\"\n",
     "{\"time\":\"2026-11-23T14:15:00.123Z\",\"address\":\"192.0.2.1\",\"host\":"
     "\"mta-sts.example.org\",\"method\":\"GET\",\"path\":\"/p\",\"protocol\":\"HTTP/1.1\","
     "\"status\":200,\"octets\":97,\"referer\":\"\",\"agent\":\"curl/8\"}\n"},
    {"a forged line", "/p\" 200\n1.2.3.4", "\\\x1b[31m\xff",
     "192.0.2.1 - - [23/Nov/2026:14:15:00 +0000] \"GET /p\\\" 200\\x0a1.2.3.4 HTTP/1.1\" 200 97 "
     "\"-\" \"\\\\\\x1b[31m\\xff\"\n",
     "{\"time\":\"2026-11-23T14:15:00.123Z\",\"address\":\"192.0.2.1\",\"host\":"
     "\"mta-sts.example.org\",\"method\":\"GET\",\"path\":\"/p\\\" 200\\u000a1.2.3.4\","
     "\"protocol\":\"HTTP/1.1\",\"status\":200,\"octets\":97,\"referer\":\"\","
     "\"agent\":\"\\\\\\u001b[31m\\\\xff\"}\n"},
    {"what a terminal obeys", "/\xc2\x9b\xe2\x80\xae\x7f", "ä",
     "192.0.2.1 - - [23/Nov/2026:14:15:00 +0000] \"GET /\\xc2\\x9b\\xe2\\x80\\xae\\x7f "
     "HTTP/1.1\" 200 97 \"-\" \"\\xc3\\xa4\"\n",
     "{\"time\":\"2026-11-23T14:15:00.123Z\",\"address\":\"192.0.2.1\",\"host\":"
     "\"mta-sts.example.org\",\"method\":\"GET\",\"path\":\"/\\u009b\\u202e\\u007f\","
     "\"protocol\":\"HTTP/1.1\",\"status\":200,\"octets\":97,\"referer\":\"\","
     "\"agent\":\"ä\"}\n"},
};

static void records_have_two_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct access_record record = record_of("GET", rows[i].path, rows[i].agent);
        CLEANUP(buffer_clear) struct buffer combined = BUFFER(ACCESS_LINE_MAX);
        CLEANUP(buffer_clear) struct buffer json = BUFFER(ACCESS_LINE_MAX);
        access_record_combined(&record, &combined);
        access_record_json(&record, &json);
        if (!bytes_equal(buffer_bytes(&combined), bytes_of(rows[i].combined))) {
            fail_msg("%s: got %s", rows[i].name, combined.p);
        }
        if (!bytes_equal(buffer_bytes(&json), bytes_of(rows[i].json))) {
            fail_msg("%s: got %s", rows[i].name, json.p);
        }
        json_t *parsed = json_loadb(json.p, json.n, 0, NULL);
        assert_non_null(parsed);
        json_decref(parsed);
    }
}

static void the_longest_record_fits_a_line(void **state)
{
    (void)state;
    struct access_record record = {.octets = UINT64_MAX, .status = 999, .version = 0x200};
    char ugly[1024];
    memset(ugly, '\x01', sizeof(ugly)); /* what takes most in JSON */
    struct bytes text = {ugly, sizeof(ugly)};
    access_record_set(record.address, sizeof(record.address), text);
    access_record_set(record.host, sizeof(record.host), text);
    access_record_set(record.method, sizeof(record.method), text);
    access_record_set(record.path, sizeof(record.path), text);
    access_record_set(record.agent, sizeof(record.agent), text);
    access_record_set(record.referer, sizeof(record.referer), text);
    CLEANUP(buffer_clear) struct buffer line = BUFFER(ACCESS_LINE_MAX);
    access_record_combined(&record, &line);
    assert_false(line.overflow);
    buffer_reset(&line);
    access_record_json(&record, &line);
    assert_false(line.overflow);
}

static void long_texts_are_cut_and_nuls_are_not_ends(void **state)
{
    (void)state;
    char field[5];
    access_record_set(field, sizeof(field), BYTES("a\0bcdef"));
    assert_string_equal(field, "a bc");
    access_record_set(field, sizeof(field), BYTES(""));
    assert_string_equal(field, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_two_forms),
        cmocka_unit_test(the_longest_record_fits_a_line),
        cmocka_unit_test(long_texts_are_cut_and_nuls_are_not_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
