#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "knot.h"
#include "lib/dns/lookup.h"

enum { BIG_STRINGS = 20, BIG_STRING = 200 };

static const char zone[] =
    "$ORIGIN example.org.\n"
    "$TTL 60\n"
    "@ SOA ns hostmaster 1 3600 600 86400 1\n"
    "@ NS ns\n"
    "ns A 127.0.0.1\n"
    "ns AAAA ::1\n"
    "_25._tcp.ns TLSA 3 1 1 "
    "0000000000000000000000000000000000000000000000000000000000000001\n"
    "@ MX 20 MX2\n"
    "@ MX 10 b.example.net.\n"
    "@ MX 10 a.example.net.\n"
    "null MX 0 .\n"
    "halfnull MX 0 .\n"
    "halfnull MX 10 mx1\n"
    "underscore MX 10 mx_1\n"
    "idn MX 10 xn--bcher-kva.example.\n"
    "alias CNAME null\n"
    "loop1 CNAME loop2\n"
    "loop2 CNAME loop1\n"
    "away CNAME somewhere.example.net.\n"
    "dangling CNAME nowhere\n"
    "toaddress CNAME ns\n"
    "one TXT \"v=STSv1; \" \"id=1;\"\n"
    "two TXT \"b\"\n"
    "two TXT \"a\\\"\\000\\\\\"\n"
    "empty TXT \"\"\n"
    "_mta-sts.one CNAME one\n"
    "c0 CNAME c1\nc1 CNAME c2\nc2 CNAME c3\nc3 CNAME c4\nc4 CNAME c5\nc5 CNAME c6\n"
    "c6 CNAME c7\nc7 CNAME c8\nc8 CNAME one\n";

static struct knot knot;

static int start(void **state)
{
    static struct dns_resolver *resolver;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    struct error e = {0};
    buffer_add_string(&text, zone);
    buffer_add_string(&text, "big TXT");
    for (int i = 0; i < BIG_STRINGS; i++) {
        buffer_printf(&text, " \"%0*d\"", BIG_STRING, i);
    }
    buffer_add_string(&text, "\n");
    knot_start(&knot, text.p);
    const char *servers[] = {knot.server};
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    *state = resolver;
    return 0;
}

static int stop(void **state)
{
    dns_resolver_free(*state);
    knot_stop(&knot);
    return 0;
}

static void test_mx(void **state)
{
    static const struct {
        const char *name;
        const char *want; /* "preference host …", "." for a null MX, NULL: an error */
        enum error_code code;
        const char *error;
    } rows[] = {
        {"example.org", "10 a.example.net 10 b.example.net 20 mx2.example.org ", 0, NULL},
        {"EXAMPLE.org", "10 a.example.net 10 b.example.net 20 mx2.example.org ", 0, NULL},
        {"null.example.org", ".", 0, NULL},
        {"alias.example.org", ".", 0, NULL},
        {"halfnull.example.org", "10 mx1.example.org ", 0, NULL},
        {"idn.example.org", "10 xn--bcher-kva.example ", 0, NULL},
        {"ns.example.org", "", 0, NULL},
        {"toaddress.example.org", "", 0, NULL},
        {"nowhere.example.org", NULL, ERROR_NOT_FOUND, "MX of nowhere.example.org: there is no"},
        {"dangling.example.org", NULL, ERROR_NOT_FOUND, "there is no such name"},
        {"underscore.example.org", NULL, ERROR_SYNTAX, "underscore"},
        {"loop1.example.org", NULL, ERROR_LIMIT, "CNAMEs in a row"},
        {"c0.example.org", NULL, ERROR_LIMIT, "more than 8 CNAMEs"},
        {"c1.example.org", "", 0, NULL},
        {"broken.example", NULL, ERROR_RETRY, "SERVFAIL"},
        {"example.com", NULL, ERROR_RETRY, "REFUSED"},
        {"away.example.org", NULL, ERROR_RETRY, "REFUSED"},
        {"", NULL, ERROR_SYNTAX, "correct it"},
        {"a..b", NULL, ERROR_SYNTAX, "correct it"},
        {"exa mple.org", NULL, ERROR_SYNTAX, "correct it"},
        {"exa\\.mple.org", NULL, ERROR_SYNTAX, "correct it"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
        CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
        struct error e = {0};
        bool ok = dns_lookup_mx(*state, bytes_of(rows[i].name), &set, &e);
        buffer_add_string(&got, set.null_mx ? "." : "");
        for (size_t k = 0; k < set.count; k++) {
            buffer_printf(&got, "%u %s ", set.items[k].preference, set.items[k].host.text);
        }
        if (ok != (rows[i].want != NULL) || (ok && strcmp(got.p, rows[i].want) != 0) ||
            (!ok && (e.code != rows[i].code || strstr(e.text, rows[i].error) == NULL))) {
            fail_msg("%s: \"%s\", error \"%s\"", rows[i].name, got.p, e.text);
        }
    }
    struct dns_mx_set set;
    struct error e;
    assert_false(dns_lookup_mx(*state, BYTES("example.org\0.evil"), &set, &e));
}

static void test_txt(void **state)
{
    CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
    struct error e = {0};
    assert_true(dns_lookup_txt(*state, BYTES("_mta-sts.one.example.org"), &set, &e));
    assert_int_equal(set.count, 1);
    assert_string_equal(set.items[0].p, "v=STSv1; id=1;");
    dns_txt_set_clear(&set);

    assert_true(dns_lookup_txt(*state, BYTES("two.example.org"), &set, &e));
    assert_int_equal(set.count, 2);
    size_t quoted = set.items[0].n == 4 ? 0 : 1;
    assert_true(bytes_equal(set.items[quoted], BYTES("a\"\0\\")));
    assert_true(bytes_equal(set.items[1 - quoted], BYTES("b")));
    dns_txt_set_clear(&set);

    assert_true(dns_lookup_txt(*state, BYTES("empty.example.org"), &set, &e));
    assert_int_equal(set.count, 1);
    assert_int_equal(set.items[0].n, 0);
    dns_txt_set_clear(&set);

    assert_true(dns_lookup_txt(*state, BYTES("ns.example.org"), &set, &e));
    assert_int_equal(set.count, 0);
}

/* Over what UDP takes: the answer comes truncated, and again over TCP. */
static void test_truncated_answer_comes_over_tcp(void **state)
{
    CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
    struct error e = {0};
    assert_true(dns_lookup_txt(*state, BYTES("big.example.org"), &set, &e));
    assert_int_equal(set.count, 1);
    assert_int_equal(set.items[0].n, BIG_STRINGS * BIG_STRING);
    assert_string_equal(set.items[0].p + set.items[0].n - 4, "0019");
}

static void test_addresses(void **state)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    struct error e = {0};
    assert_true(dns_lookup_addresses(*state, BYTES("toaddress.example.org"), &set, &e));
    assert_int_equal(set.count, 2);
    assert_string_equal(set.items[0], "127.0.0.1");
    assert_string_equal(set.items[1], "::1");
    dns_address_set_clear(&set);
    assert_true(dns_lookup_addresses(*state, BYTES("one.example.org"), &set, &e));
    assert_int_equal(set.count, 0);
    assert_false(dns_lookup_addresses(*state, BYTES("nowhere.example.org"), &set, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
}

/* A server that takes questions and never answers, and one that is not there at all. */
static void test_asks_the_next_server(void **state)
{
    (void)state;
    uint16_t silent_port = 0;
    CLEANUP_CLOSE int silent = loopback_socket(SOCK_DGRAM, &silent_port);
    CLEANUP_FREE char *silent_server = memory_printf("127.0.0.1:%u", silent_port);
    CLEANUP_FREE char *absent_server = memory_printf("127.0.0.1:%u", free_port());
    const char *servers[] = {silent_server, absent_server, knot.server};
    struct dns_resolver *resolver = NULL;
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    struct error e = {0};

    assert_true(silent >= 0);
    assert_true(dns_resolver_new(servers, 3, &resolver, &e));
    dns_resolver_set_attempt_ms(resolver, 50);
    assert_true(dns_lookup_mx(resolver, BYTES("example.org"), &set, &e));
    assert_int_equal(set.count, 3);
    dns_resolver_free(resolver);

    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    dns_resolver_set_attempt_ms(resolver, 50);
    assert_false(dns_lookup_mx(resolver, BYTES("example.org"), &set, &e));
    assert_int_equal(e.code, ERROR_RETRY);
    assert_non_null(strstr(e.text, "does not answer"));
    dns_resolver_free(resolver);

    assert_true(dns_resolver_new(servers + 1, 1, &resolver, &e));
    assert_false(dns_lookup_mx(resolver, BYTES("example.org"), &set, &e));
    assert_int_equal(e.code, ERROR_RETRY);
    assert_non_null(strstr(e.text, "refused"));
    dns_resolver_free(resolver);
}

/* What a look-up met: TTLs, the CNAMEs in turn, and which way it failed. */
static void test_trace(void **state)
{
    static const struct {
        const char *name;
        enum dns_outcome outcome;
        const char *aliases; /* joined by blanks */
        size_t count;
    } rows[] = {
        {"one.example.org", DNS_FOUND, "", 1},
        {"_mta-sts.one.example.org", DNS_FOUND, "one.example.org ", 1},
        {"ns.example.org", DNS_EMPTY, "", 0},
        {"nowhere.example.org", DNS_NO_NAME, "", 0},
        {"dangling.example.org", DNS_NO_NAME, "nowhere.example.org ", 0},
        {"loop1.example.org", DNS_ALIAS_LOOP,
         "loop2.example.org loop1.example.org loop2.example.org loop1.example.org "
         "loop2.example.org loop1.example.org loop2.example.org loop1.example.org ",
         0},
        {"broken.example", DNS_FAILED, "", 0},
        {"", DNS_UNUSABLE, "", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
        CLEANUP(buffer_clear) struct buffer aliases = BUFFER(4096);
        struct dns_trace trace = {0};
        dns_trace_txt(*state, bytes_of(rows[i].name), &set, &trace);
        for (size_t k = 0; k < trace.alias_count; k++) {
            buffer_printf(&aliases, "%s ", trace.aliases[k].text);
        }
        bool found = rows[i].outcome == DNS_FOUND;
        if (trace.outcome != rows[i].outcome || set.count != rows[i].count ||
            !bytes_equal(buffer_bytes(&aliases), bytes_of(rows[i].aliases)) ||
            trace.ttl_s != (found ? 60 : 0) ||
            (trace.why[0] != '\0') != (trace.outcome != DNS_FOUND && trace.outcome != DNS_EMPTY)) {
            fail_msg("%s: outcome %d, \"%s\", TTL %u, %s", rows[i].name, trace.outcome,
                     aliases.n != 0 ? aliases.p : "", trace.ttl_s, trace.why);
        }
    }
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    struct dns_trace a = {0};
    struct dns_trace aaaa = {0};
    dns_trace_addresses(*state, BYTES("toaddress.example.org"), &addresses, &a, &aaaa);
    assert_int_equal(addresses.count, 2);
    assert_int_equal(a.outcome, DNS_FOUND);
    assert_string_equal(aaaa.aliases[0].text, "ns.example.org");
    size_t tlsa = 0;
    struct dns_trace trace = {0};
    dns_trace_tlsa(*state, BYTES("_25._tcp.ns.example.org"), &tlsa, &trace);
    assert_int_equal(tlsa, 1);
    assert_int_equal(trace.outcome, DNS_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mx),        cmocka_unit_test(test_txt),
        cmocka_unit_test(test_trace),     cmocka_unit_test(test_truncated_answer_comes_over_tcp),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_asks_the_next_server),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
