/* Look-ups that end in time, however many servers, questions and CNAMEs there are. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "knot.h"
#include "lib/dns/caa.h"
#include "lib/dns/exchange.h"
#include "lib/dns/lookup.h"
#include "lib/dns/zone_find.h"

enum {
    DEADLINE_MS = 600,
    LATE_MS =
        6000, /* what a busy machine may add is less; without a deadline it takes 12 s and more */
    SLOW_MS = 250, /* the slow server's time for each answer */
};

static struct knot knot;
static int silent_fds[2];
static char silent[2][32]; /* take questions, and never answer */
static struct {
    int fd;
    char address[32];
    pthread_t thread;
} slow;

/* "An alias of NAME's is x.NAME", whatever is asked. */
static void answer_by_alias(const uint8_t *query, size_t length, const struct sockaddr_in *client)
{
    ldns_pkt *packet = NULL;
    uint8_t *wire = NULL;
    size_t size = 0;
    if (ldns_wire2pkt(&packet, query, length) != LDNS_STATUS_OK) {
        return;
    }
    ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    char *name = ldns_rdf2str(ldns_rr_owner(question));
    CLEANUP_FREE char *text = memory_printf("%s 60 IN CNAME x.%s", name, name);
    ldns_rr *alias = NULL;
    assert_int_equal(ldns_rr_new_frm_str(&alias, text, 60, NULL, NULL), LDNS_STATUS_OK);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_ancount(packet, 1);
    ldns_rr_list_push_rr(ldns_pkt_answer(packet), alias);
    assert_int_equal(ldns_pkt2wire(&wire, packet, &size), LDNS_STATUS_OK);
    (void)sendto(slow.fd, wire, size, 0, (const struct sockaddr *)client, sizeof(*client));
    LDNS_FREE(wire);
    LDNS_FREE(name);
    ldns_pkt_free(packet);
}

static void *answer_slowly(void *context)
{
    uint8_t query[512];
    struct sockaddr_in client;
    socklen_t length = sizeof(client);
    ssize_t n;
    (void)context;
    while ((n = recvfrom(slow.fd, query, sizeof(query), 0, (struct sockaddr *)&client, &length)) >
           1) {
        nanosleep(&(struct timespec){.tv_nsec = SLOW_MS * 1000 * 1000}, NULL);
        answer_by_alias(query, (size_t)n, &client);
    }
    return NULL;
}

static int loopback_server(char ret_address[32])
{
    uint16_t port = 0;
    int fd = loopback_socket(SOCK_DGRAM, &port);
    assert_true(fd >= 0);
    snprintf(ret_address, 32, "127.0.0.1:%u", port);
    return fd;
}

static int start(void **state)
{
    (void)state;
    knot_start(&knot, "$ORIGIN example.org.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 1\n"
                      "@ NS ns\nns A 127.0.0.1\n");
    for (size_t i = 0; i < ARRAY_LENGTH(silent); i++) {
        silent_fds[i] = loopback_server(silent[i]);
    }
    slow.fd = loopback_server(slow.address);
    return pthread_create(&slow.thread, NULL, answer_slowly, NULL);
}

static int stop(void **state)
{
    (void)state;
    struct error e;
    struct dns_server server;
    assert_true(dns_server_parse(bytes_of(slow.address), &server, &e));
    (void)sendto(slow.fd, "", 1, 0, (struct sockaddr *)&server.address, server.length);
    pthread_join(slow.thread, NULL);
    close(slow.fd);
    for (size_t i = 0; i < ARRAY_LENGTH(silent); i++) {
        close(silent_fds[i]);
    }
    knot_stop(&knot);
    return 0;
}

/* --- Every kind of look-up --- */

static bool ask_mx(const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    return dns_lookup_mx(resolver, BYTES("a.example.org"), &set, e);
}

static bool ask_txt(const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
    return dns_lookup_txt(resolver, BYTES("a.example.org"), &set, e);
}

static bool ask_addresses(const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    return dns_lookup_addresses(resolver, BYTES("a.example.org"), &set, e);
}

static bool ask_addresses_traced(const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    struct dns_trace trace = {0};
    bool ok = dns_lookup_addresses_traced(resolver, BYTES("a.example.org"), &set, &trace, e);
    assert_true(ok || dns_outcome_is_failure(trace.outcome));
    return ok;
}

static bool trace_addresses(const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    struct dns_trace a;
    struct dns_trace aaaa;
    dns_trace_addresses(resolver, BYTES("a.example.org"), &set, &a, &aaaa);
    return error_set(e, ERROR_RETRY, "%s", a.why);
}

static bool ask_caa(const struct dns_resolver *resolver, struct error *e)
{
    static const char *const issuers[] = {"ca.example"};
    CLEANUP(buffer_clear) struct buffer why = BUFFER(1024);
    struct dns_trace trace = {0};
    bool allowed = false;
    const struct dns_caa_request request = {.name = BYTES("a.b.c.d.e.f.example.org"),
                                            .issuers = issuers,
                                            .issuer_count = 1,
                                            .method = "http-01",
                                            .trace = &trace};
    bool ok = dns_caa_allows(resolver, &request, &allowed, &why, e);
    assert_true(ok || dns_outcome_is_failure(trace.outcome));
    return ok;
}

static bool ask_zone(const struct dns_resolver *resolver, struct error *e)
{
    struct dns_zone zone;
    return dns_zone_find(resolver, BYTES("a.b.c.d.e.f.example.org"), &zone, e);
}

static const struct {
    const char *name;
    bool (*ask)(const struct dns_resolver *resolver, struct error *e);
} LOOK_UPS[] = {
    {"MX", ask_mx},
    {"TXT", ask_txt},
    {"addresses", ask_addresses},
    {"addresses, traced", ask_addresses_traced},
    {"addresses, as check asks", trace_addresses},
    {"CAA, up to the root", ask_caa},
    {"the zone", ask_zone},
};

static void expect_in_time(const char *const *servers, size_t count, const char *words)
{
    struct dns_resolver *resolver = NULL;
    struct error e = {0};
    assert_true(dns_resolver_new(servers, count, &resolver, &e));
    dns_resolver_set_deadline_ms(resolver, DEADLINE_MS);
    for (size_t i = 0; i < ARRAY_LENGTH(LOOK_UPS); i++) {
        int64_t before_ms = clock_monotonic_ms();
        bool found = LOOK_UPS[i].ask(resolver, &e);
        int64_t took_ms = clock_monotonic_ms() - before_ms;
        if (found || e.code != ERROR_RETRY || strstr(e.text, words) == NULL) {
            fail_msg("%s: %s", LOOK_UPS[i].name, found ? "answered" : e.text);
        }
        if (took_ms < DEADLINE_MS || took_ms > LATE_MS) {
            fail_msg("%s: %ld ms", LOOK_UPS[i].name, (long)took_ms);
        }
    }
    dns_resolver_free(resolver);
}

static void test_servers_that_are_silent(void **state)
{
    (void)state;
    const char *servers[] = {silent[0], silent[1]};
    expect_in_time(servers, ARRAY_LENGTH(servers), "no answer within 0.6 s");
}

/* Each answer comes well in time, and there is always another question. */
static void test_one_alias_after_the_other(void **state)
{
    (void)state;
    const char *servers[] = {slow.address};
    expect_in_time(servers, ARRAY_LENGTH(servers), "no answer within 0.6 s");
}

/* Whoever is silent takes no more than its share, so that the last one has its turn: a third of the
 * time, which is enough for a busy machine. */
static void test_every_server_has_its_turn(void **state)
{
    (void)state;
    enum { TURNS_MS = 9000 };
    const char *servers[] = {silent[0], silent[1], knot.server};
    struct dns_resolver *resolver = NULL;
    struct error e = {0};
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    assert_true(dns_resolver_new(servers, ARRAY_LENGTH(servers), &resolver, &e));
    dns_resolver_set_deadline_ms(resolver, TURNS_MS);
    dns_resolver_set_attempt_ms(resolver, TURNS_MS);
    if (!dns_lookup_mx(resolver, BYTES("ns.example.org"), &set, &e)) {
        fail_msg("%s", e.text);
    }
    dns_resolver_free(resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_that_are_silent),
        cmocka_unit_test(test_one_alias_after_the_other),
        cmocka_unit_test(test_every_server_has_its_turn),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
