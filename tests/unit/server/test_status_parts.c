/* What `status` says of the ACME client and of mirrors, from their own answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/status.h"

static json_int_t number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static void test_nothing_runs(void **state)
{
    (void)state;
    json_t *acme = status_acme(NULL);
    json_t *mirror = status_mirror(NULL);
    assert_true(json_is_null(acme));
    assert_true(json_is_null(mirror));
    json_decref(acme);
    json_decref(mirror);
}

static void test_acme(void **state)
{
    (void)state;
    char name[] = "mta-sts.a.example";
    char problem[] = "CAA forbids it";
    char url[] = "https://ca.example/directory";
    struct acme_status_host host = {.name = name, .problem = problem, .next_s = 70, .failures = 3};
    struct acme_status_ca ca = {.name = name, .url = url, .wait_s = 9, .tokens = 1.5};
    const struct acme_status acme = {
        .orders = true,
        .hosts = {1, 2},
        .troubled = &host,
        .troubled_count = 1,
        .troubled_total = 40,
        .cas = &ca,
        .ca_count = 1,
        .orders_placed = 7,
        .orders_done = 5,
        .orders_failed = 2,
        .renewals = 4,
        .failures = {{"timeout", 2}},
        .failure_count = 1,
        .nearest_expiry_s = 1000,
        .nearest_expiry_host = name,
    };
    json_t *status = status_acme(&acme);
    assert_true(json_is_true(json_object_get(status, "orders")));
    assert_true(json_is_null(json_object_get(status, "problem")));
    assert_int_equal(json_object_size(json_object_get(status, "hosts")), ACME_STATES);
    assert_int_equal(number(json_object_get(status, "hosts"), acme_state_name((enum acme_state)1)),
                     2);
    assert_int_equal(number(status, "troubled_total"), 40);
    const json_t *first = json_array_get(json_object_get(status, "troubled"), 0);
    assert_string_equal(text(first, "name"), name);
    assert_string_equal(text(first, "problem"), problem);
    assert_int_equal(number(first, "next"), 70);
    assert_int_equal(number(first, "failures"), 3);
    const json_t *its = json_array_get(json_object_get(status, "cas"), 0);
    assert_string_equal(text(its, "url"), url);
    assert_true(json_is_null(json_object_get(its, "account")));
    assert_int_equal(number(its, "wait"), 9);
    assert_int_equal(number(status, "orders_placed"), 7);
    assert_int_equal(number(status, "renewals"), 4);
    assert_int_equal(number(json_object_get(status, "failures"), "timeout"), 2);
    assert_int_equal(number(status, "nearest_expiry"), 1000);
    assert_string_equal(text(status, "nearest_expiry_host"), name);
    json_decref(status);
}

static void test_mirrors(void **state)
{
    (void)state;
    char domain[] = "a.example";
    struct mirror_status_row rows[] = {
        {.domain = domain, .has_policy = true, .fetched_s = 500},
        {.domain = domain,
         .has_policy = true,
         .mode = POLICY_NONE,
         .fetched_s = 300,
         .failures = 2},
        {.domain = domain, .failures = 1},
    };
    const struct mirror_status mirror = {.rows = rows, .count = 3};
    json_t *status = status_mirror(&mirror);
    assert_int_equal(number(status, "followed"), 3);
    assert_int_equal(number(status, "failing"), 2);
    assert_int_equal(number(status, "unknown"), 1);
    assert_int_equal(number(status, "oldest"), 300);
    const json_t *list = json_object_get(status, "upstreams");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(text(json_array_get(list, 1), "mode"), policy_mode_name(POLICY_NONE));
    assert_true(json_is_null(json_object_get(json_array_get(list, 2), "mode")));
    json_decref(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_runs),
        cmocka_unit_test(test_acme),
        cmocka_unit_test(test_mirrors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
