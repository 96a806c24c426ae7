/* "DNSSEC is broken" is told apart from other failures: a signed zone, in which some records were
 * changed after it was signed, at a real server, asked through a resolver that validates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "knot.h"
#include "lib/base/buffer.h"
#include "lib/dns/caa.h"
#include "lib/dns/lookup.h"

static const char zone[] = "$ORIGIN example.org.\n"
                           "$TTL 60\n"
                           "@ SOA ns hostmaster 1 3600 600 86400 60\n"
                           "@ NS ns\n"
                           "ns A 127.0.0.1\n"
                           "good A 192.0.2.7\n"
                           "good CAA 0 issue \"ca.example\"\n"
                           "broken A 192.0.2.66\n"
                           "broken CAA 0 issue \"forged.example\"\n"
                           "broken6 A 192.0.2.7\n"
                           "broken6 AAAA 2001:db8::66\n"
                           "alias CNAME broken\n";
/* What was changed after the zone was signed: as long as what it takes the place of. */
static const struct {
    const char *before;
    const char *after;
} FORGED[] = {
    {"192.0.2.66", "192.0.2.67"},
    {"2001:db8::66", "2001:db8::67"},
    {"forged.example", "others.example"},
};

enum { ZONE_MAX = 64 * 1024 };

static struct knot knot;
static char directory[] = "/tmp/mtasts-dnssec.XXXXXX";
/* Two that validate; the second says why it fails (RFC 8914). */
static struct {
    pid_t pid;
    char address[32];
} resolvers[2];

static void read_text(const char *name, struct buffer *text)
{
    CLEANUP_FREE char *path = file_path_join(directory, name);
    struct error e;
    if (!file_read(path, text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
}

static void sign(struct buffer *ret_zone, struct buffer *ret_anchor)
{
    write_text(directory, "zone", zone);
    CLEANUP_FREE char *command =
        memory_printf("cd %s && dnssec-keygen -q -a ECDSAP256SHA256 -f KSK example.org >keys && "
                      "dnssec-signzone -S -z -o example.org -f signed zone >signing 2>&1",
                      directory);
    assert_int_equal(system(command), 0);
    read_text("signed", ret_zone);
    read_text("dsset-example.org.", ret_anchor);
    for (size_t i = 0; i < ARRAY_LENGTH(FORGED); i++) {
        char *at = strstr(ret_zone->p, FORGED[i].before);
        assert_non_null(at);
        memcpy(at, FORGED[i].after, strlen(FORGED[i].after));
    }
}

static void spawn_resolver(size_t i, const char *anchor)
{
    CLEANUP_FREE char *name = memory_printf("unbound%zu.conf", i);
    CLEANUP_FREE char *path = file_path_join(directory, name);
    unsigned port = free_port();
    snprintf(resolvers[i].address, sizeof(resolvers[i].address), "127.0.0.1:%u", port);
    CLEANUP_FREE char *zones = memory_string(knot.server);
    *strrchr(zones, ':') = '@'; /* as unbound writes a port */
    CLEANUP_FREE char *config = memory_printf(
        "server:\n  interface: 127.0.0.1@%u\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n"
        "  directory: \"%s\"\n  logfile: \"%s/log\"\n  do-daemonize: no\n  use-syslog: no\n"
        "  num-threads: 1\n  do-not-query-localhost: no\n  module-config: \"validator iterator\"\n"
        "  ede: %s\n  trust-anchor-file: \"%s/anchor\"\n"
        "stub-zone:\n  name: example.org\n  stub-addr: %s\n"
        "stub-zone:\n  name: broken.example\n  stub-addr: %s\n"
        "remote-control:\n  control-enable: no\n",
        port, directory, directory, i == 1 ? "yes" : "no", directory, zones, zones);
    write_text(directory, name, config);
    write_text(directory, "anchor", anchor);
    resolvers[i].pid = fork();
    assert_true(resolvers[i].pid >= 0);
    if (resolvers[i].pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/usr/sbin/unbound", "unbound", "-c", path, (char *)NULL);
        _exit(127);
    }
}

static struct dns_resolver *resolver_of(size_t i)
{
    const char *servers[] = {resolvers[i].address};
    struct dns_resolver *resolver = NULL;
    struct error e;
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    return resolver;
}

static bool resolver_answers(size_t i)
{
    struct error e;
    struct dns_resolver *resolver = resolver_of(i);
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    bool answers = dns_lookup_addresses(resolver, BYTES("ns.example.org"), &set, &e);
    dns_resolver_free(resolver);
    return answers;
}

static int start(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(ZONE_MAX);
    CLEANUP(buffer_clear) struct buffer anchor = BUFFER(ZONE_MAX);
    assert_non_null(mkdtemp(directory));
    sign(&text, &anchor);
    knot_start(&knot, text.p);
    for (size_t i = 0; i < ARRAY_LENGTH(resolvers); i++) {
        spawn_resolver(i, anchor.p);
        int64_t deadline_ms = clock_monotonic_ms() + 20 * 1000;
        while (!resolver_answers(i)) {
            if (clock_monotonic_ms() > deadline_ms) {
                fail_msg("unbound does not answer; see %s/log", directory);
            }
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        }
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(resolvers); i++) {
        end_process(resolvers[i].pid);
    }
    knot_stop(&knot);
    nftw(directory, remove_path, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum dns_outcome want;
        enum error_code code;
        const char *words;
    } ROWS[] = {
        {"good.example.org", DNS_EMPTY, ERROR_NONE, ""}, /* AAAA, asked last */
        {"nowhere.example.org", DNS_NO_NAME, ERROR_NOT_FOUND, "no such name"},
        {"broken.example.org", DNS_BOGUS, ERROR_RETRY, "A of broken.example.org: DNSSEC is broken"},
        {"broken6.example.org", DNS_BOGUS, ERROR_RETRY,
         "AAAA of broken6.example.org: DNSSEC is broken"},
        {"alias.example.org", DNS_BOGUS, ERROR_RETRY, "DNSSEC is broken"},
        {"broken.example", DNS_FAILED, ERROR_RETRY, "SERVFAIL"}, /* its server's own failure */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(resolvers) * ARRAY_LENGTH(ROWS); i++) {
        size_t row = i / ARRAY_LENGTH(resolvers);
        struct dns_resolver *resolver = resolver_of(i % ARRAY_LENGTH(resolvers));
        CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
        struct dns_trace trace = {0};
        struct error e = {0};
        bool ok = dns_lookup_addresses_traced(resolver, bytes_of(ROWS[row].name), &set, &trace, &e);
        bool unreached = ROWS[row].want == DNS_FAILED && trace.outcome == DNS_UNREACHED;
        if (ok != (ROWS[row].code == ERROR_NONE) || e.code != ROWS[row].code ||
            (trace.outcome != ROWS[row].want && !unreached) ||
            strstr(e.text, ROWS[row].words) == NULL) {
            fail_msg("%s at unbound %zu: outcome %d, \"%s\"", ROWS[row].name,
                     i % ARRAY_LENGTH(resolvers), (int)trace.outcome, e.text);
        }
        dns_resolver_free(resolver);
    }
}

static void test_caa(void **state)
{
    (void)state;
    static const char *const issuers[] = {"ca.example"};
    static const struct {
        const char *name;
        enum dns_outcome want;
    } ROWS[] = {{"good.example.org", DNS_FOUND},
                {"broken.example.org", DNS_BOGUS},
                {"www.broken.example.org", DNS_BOGUS}};
    for (size_t i = 0; i < ARRAY_LENGTH(resolvers) * ARRAY_LENGTH(ROWS); i++) {
        size_t row = i / ARRAY_LENGTH(resolvers);
        struct dns_resolver *resolver = resolver_of(i % ARRAY_LENGTH(resolvers));
        CLEANUP(buffer_clear) struct buffer why = BUFFER(1024);
        struct dns_trace trace = {0};
        struct error e = {0};
        bool allowed = false;
        const struct dns_caa_request request = {.name = bytes_of(ROWS[row].name),
                                                .issuers = issuers,
                                                .issuer_count = 1,
                                                .method = "http-01",
                                                .trace = &trace};
        bool ok = dns_caa_allows(resolver, &request, &allowed, &why, &e);
        bool want_ok = ROWS[row].want == DNS_FOUND;
        if (ok != want_ok || allowed != want_ok || trace.outcome != ROWS[row].want ||
            (!ok && (e.code != ERROR_RETRY || strstr(e.text, "DNSSEC is broken") == NULL))) {
            fail_msg("%s: outcome %d, \"%s\"", ROWS[row].name, (int)trace.outcome, e.text);
        }
        dns_resolver_free(resolver);
    }
}

/* Whoever does not want to know how it went hears it in words all the same. */
static void test_words(void **state)
{
    (void)state;
    struct error e = {0};
    struct dns_resolver *resolver = resolver_of(0);
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    assert_false(dns_lookup_addresses(resolver, BYTES("broken.example.org"), &set, &e));
    CLEANUP_FREE char *want =
        memory_printf("A of broken.example.org: DNSSEC is broken, says DNS server %s; correct the "
                      "zone's signatures, or the DS record at its parent",
                      resolvers[0].address);
    assert_string_equal(e.text, want);
    dns_resolver_free(resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_caa),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
