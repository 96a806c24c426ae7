#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/answers/target.h"

#define A10  "aaaaaaaaaa"
#define A50  A10 A10 A10 A10 A10
#define A250 A50 A50 A50 A50 A50

static const struct {
    const char *name;
    const char *input;
    const char *want; /* NULL: refused */
} hosts[] = {
    {"plain", "mta-sts.example.org", "mta-sts.example.org"},
    {"upper case", "MTA-STS.Example.ORG", "mta-sts.example.org"},
    {"port", "mta-sts.example.org:443", "mta-sts.example.org"},
    {"empty port", "mta-sts.example.org:", "mta-sts.example.org"},
    {"trailing dot", "mta-sts.example.org.", "mta-sts.example.org"},
    {"trailing dot and port", "mta-sts.example.org.:8443", "mta-sts.example.org"},
    {"two trailing dots", "mta-sts.example.org..", "mta-sts.example.org."},
    {"only a dot", ".", NULL},
    {"empty", "", NULL},
    {"only a port", ":443", NULL},
    {"letters in the port", "mta-sts.example.org:44a", NULL},
    {"long port", "mta-sts.example.org:000443", NULL},
    {"IPv4", "192.0.2.1:80", "192.0.2.1"},
    {"IPv6", "[2001:DB8::1]:80", "[2001:db8::1]"},
    {"IPv6 without a port", "[2001:db8::1]", "[2001:db8::1]"},
    {"user information", "user@mta-sts.example.org", NULL},
    {"blank", "mta-sts.example.org x", NULL},
    {"slash", "mta-sts.example.org/x", NULL},
    {"not ASCII",
     "mta-sts.b\xc3\xbc"
     "cher.example",
     NULL},
    {"longest", A250 ".bc", A250 ".bc"},
    {"longest with a dot", A250 ".bc.", A250 ".bc"},
    {"too long", A250 ".bcd", NULL},
};

static void hosts_are_normalised_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        struct dns_name got = {0};
        bool done = target_parse_host(bytes_of(hosts[i].input), &got);
        if (done != (hosts[i].want != NULL) ||
            (done && (strcmp(got.text, hosts[i].want) != 0 || got.n != strlen(hosts[i].want)))) {
            fail_msg("%s: got \"%s\"", hosts[i].name, done ? got.text : "refused");
        }
    }
}

static const struct {
    const char *name;
    const char *target;
    const char *authority; /* NULL: none */
    const char *host;      /* NULL: refused */
    const char *path;
    const char *query;
} targets[] = {
    {"origin form", "/a/b", "h.example", "h.example", "/a/b", ""},
    {"query", "/a?b?c", "h.example", "h.example", "/a", "?b?c"},
    {"absolute form counts before Host", "https://One.example:443/a?q", "two.example",
     "one.example", "/a", "?q"},
    {"absolute form without Host", "HTTP://one.example/a", NULL, "one.example", "/a", ""},
    {"absolute form without a path", "https://one.example", "two.example", "one.example", "/", ""},
    {"absolute form with a query alone", "https://one.example?q", NULL, "one.example", "/", "?q"},
    {"absolute form without a host", "https:///a", "two.example", NULL, NULL, NULL},
    {"no host", "/a", NULL, NULL, NULL, NULL},
    {"empty host", "/a", "", NULL, NULL, NULL},
    {"asterisk", "*", "h.example", "h.example", "*", ""},
    {"another scheme", "ftp://one.example/a", "h.example", NULL, NULL, NULL},
    {"path that would lengthen the host", ".evil.example/", "h.example", NULL, NULL, NULL},
    {"path that would be a port", ":8443/", "h.example", NULL, NULL, NULL},
    {"path that would make the host a user", "@evil.example/", "h.example", NULL, NULL, NULL},
    {"asterisk and more", "*.evil.example", "h.example", NULL, NULL, NULL},
};

static void targets_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        struct bytes authority = {NULL, 0};
        if (targets[i].authority != NULL) {
            authority = bytes_of(targets[i].authority);
        }
        struct target got = {0};
        bool done = target_parse(bytes_of(targets[i].target), authority, &got);
        if (done != (targets[i].host != NULL) ||
            (done && (!bytes_equal(dns_name_bytes(&got.host), bytes_of(targets[i].host)) ||
                      !bytes_equal(got.path, bytes_of(targets[i].path)) ||
                      !bytes_equal(got.query, bytes_of(targets[i].query))))) {
            fail_msg("%s: got host \"%s\" path \"%.*s\" query \"%.*s\"", targets[i].name,
                     done ? got.host.text : "refused", BYTES_ARG(got.path), BYTES_ARG(got.query));
        }
    }
}

static const struct {
    const char *name;
    const char *host;
    const char *want;
} domains[] = {
    {"policy host", "mta-sts.example.org", "example.org"},
    {"no prefix", "example.org", ""},
    {"prefix without a dot", "mta-stsexample.org", ""},
    {"prefix alone", "mta-sts.", ""},
    {"prefix twice", "mta-sts.mta-sts.example.org", "mta-sts.example.org"},
};

static void the_domain_follows_the_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(domains); i++) {
        struct dns_name host = {.n = (unsigned char)strlen(domains[i].host)};
        memcpy(host.text, domains[i].host, host.n);
        struct bytes got = target_policy_domain(&host);
        if (!bytes_equal(got, bytes_of(domains[i].want))) {
            fail_msg("%s: got \"%.*s\"", domains[i].name, BYTES_ARG(got));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_normalised_or_refused),
        cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(the_domain_follows_the_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
