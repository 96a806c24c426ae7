/* What is told of OpenSSL where it does not leave to us what was to be ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/tls_report.h"

static void test_all_is_told_once(void **state)
{
    (void)state;
    int ends[2];
    char line[4096] = "";
    struct tls_report report;
    assert_int_equal(pipe(ends), 0);
    struct log *log = log_new(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    tls_report_make(log, &report);
    ssize_t n = read(ends[0], line, sizeof(line) - 1);
    assert_in_range(n, 1, sizeof(line) - 1);
    assert_true(report.known);
    assert_non_null(strstr(line, " tls.library openssl=\"OpenSSL 3."));
    /* Nobody called tls_library_prepare here, as a program would that uses OpenSSL before. */
    assert_non_null(strstr(line, " warning "));
    assert_non_null(strstr(line, " ours=\"certificate_keys, ecdsa, hmac, key_schedule\""));
    assert_non_null(strstr(line, " slower=\"cipher_names: OpenSSL had registered them before\""));
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    log_free(log);
    close(ends[0]);
    close(ends[1]);
}

static void test_what_is_lost_has_its_reason(void **state)
{
    (void)state;
    struct tls_report report = {.known = true, .trial = {.groups = "X25519"}};
    strcpy(report.trial.why[TLS_PART_HMAC], "this OpenSSL lacks MAC_FINAL");
    json_t *json = tls_report_json(&report);
    json_t *ours = json_object_get(json, "ours");
    json_t *slower = json_object_get(json, "slower");
    assert_int_equal(json_object_size(ours), TLS_PARTS);
    assert_int_equal(json_integer_value(json_object_get(ours, "hmac")), 0);
    assert_int_equal(json_integer_value(json_object_get(ours, "ecdsa")), 1);
    assert_int_equal(json_object_size(slower), 1);
    assert_string_equal(json_string_value(json_object_get(slower, "hmac")),
                        "this OpenSSL lacks MAC_FINAL");
    json_decref(json);
}

static void test_nothing_without_tls(void **state)
{
    (void)state;
    struct tls_report report = {.known = false};
    json_t *json = tls_report_json(&report);
    assert_true(json_is_null(json));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_told_once),
        cmocka_unit_test(test_what_is_lost_has_its_reason),
        cmocka_unit_test(test_nothing_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
