#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/dns/resolver.h"

static void test_takes_the_systems_servers(void **state)
{
    (void)state;
    struct dns_resolver *resolver = NULL;
    struct error e = {0};
    bool has_file = access("/etc/resolv.conf", R_OK) == 0;
    assert_int_equal(dns_resolver_new(NULL, 0, &resolver, &e), has_file);
    assert_int_equal(resolver != NULL, has_file);
    assert_int_equal(strstr(e.text, "dns.resolver") != NULL, !has_file);
    dns_resolver_free(resolver);
}

static void test_refuses_servers(void **state)
{
    (void)state;
    const char *many[DNS_SERVERS_MAX + 1];
    struct dns_resolver *resolver = NULL;
    struct error e = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = "192.0.2.53";
    }
    assert_false(dns_resolver_new(many, ARRAY_LENGTH(many), &resolver, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_true(dns_resolver_new(many, DNS_SERVERS_MAX, &resolver, &e));
    dns_resolver_free(resolver);
    resolver = NULL;
    many[1] = "dns.example.org";
    assert_false(dns_resolver_new(many, 2, &resolver, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_null(resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_the_systems_servers),
        cmocka_unit_test(test_refuses_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
