#include "resolver.h"

#include <ldns/ldns.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/dns/exchange.h"

enum { DNS_PORT = 53 };

struct dns_resolver {
    struct dns_server servers[DNS_SERVERS_MAX];
    size_t count;
    int64_t attempt_ms;
    int64_t deadline_ms; /* of one look-up; 0: none */
};

/* Those of /etc/resolv.conf; as the C library does, the local host where it names none. */
static bool add_system_servers(struct dns_resolver *resolver, struct error *e)
{
    ldns_resolver *system = NULL;
    ldns_status status = ldns_resolver_new_frm_file(&system, NULL);
    if (status != LDNS_STATUS_OK) {
        return error_set(e, ERROR_SYSTEM,
                         "/etc/resolv.conf: %s; correct it, or name a DNS server in dns.resolver",
                         ldns_get_errorstr_by_id(status));
    }
    size_t count = ldns_resolver_nameserver_count(system);
    for (size_t i = 0; i < count && resolver->count < DNS_SERVERS_MAX; i++) {
        struct dns_server *server = &resolver->servers[resolver->count];
        size_t length = 0;
        ldns_rdf *address = ldns_resolver_nameservers(system)[i];
        struct sockaddr_storage *place =
            ldns_rdf2native_sockaddr_storage(address, DNS_PORT, &length);
        char *text = ldns_rdf2str(address);
        if (place != NULL && text != NULL && strlen(text) < sizeof(server->text)) {
            server->address = *place;
            server->length = (socklen_t)length;
            memcpy(server->text, text, strlen(text) + 1);
            resolver->count++;
        }
        LDNS_FREE(place);
        LDNS_FREE(text);
    }
    ldns_resolver_deep_free(system);
    if (resolver->count != 0) {
        return true;
    }
    resolver->count = 1;
    return dns_server_parse(BYTES("127.0.0.1"), &resolver->servers[0], e);
}

bool dns_resolver_new(const char *const *servers, size_t count, struct dns_resolver **ret_resolver,
                      struct error *e)
{
    if (count > DNS_SERVERS_MAX) {
        return error_set(e, ERROR_LIMIT, "%zu DNS servers; at most %d are asked: name fewer", count,
                         DNS_SERVERS_MAX);
    }
    CLEANUP_FREE struct dns_resolver *resolver = memory_zero(1, sizeof(*resolver));
    resolver->attempt_ms = DNS_ATTEMPT_MS;
    for (size_t i = 0; i < count; i++) {
        if (!dns_server_parse(bytes_of(servers[i]), &resolver->servers[resolver->count++], e)) {
            return false;
        }
    }
    if (count == 0 && !add_system_servers(resolver, e)) {
        return false;
    }
    *ret_resolver = TAKE(resolver);
    return true;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
    free(resolver);
}

void dns_resolver_set_attempt_ms(struct dns_resolver *resolver, int64_t attempt_ms)
{
    resolver->attempt_ms = attempt_ms;
}

void dns_resolver_set_deadline_ms(struct dns_resolver *resolver, int64_t deadline_ms)
{
    resolver->deadline_ms = deadline_ms;
}

int64_t dns_resolver_until_ms(const struct dns_resolver *resolver)
{
    return resolver->deadline_ms != 0 ? clock_monotonic_ms() + resolver->deadline_ms : INT64_MAX;
}

/* What an info-code of RFC 8914 means for us. */
static enum dns_outcome outcome_of_code(uint16_t code)
{
    static const struct {
        uint16_t first, last;
        enum dns_outcome outcome;
    } rows[] = {
        {1, 2, DNS_BOGUS},  /* unsupported DNSKEY algorithm, DS digest */
        {5, 12, DNS_BOGUS}, /* indeterminate, bogus, expired, not yet valid, keys missing … */
        {22, 23, DNS_UNREACHED}, /* no reachable authority, network error */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (code >= rows[i].first && code <= rows[i].last) {
            return rows[i].outcome;
        }
    }
    return DNS_FAILED;
}

/* What a server says of why it failed: the first of its info-codes that means something. */
static enum dns_outcome outcome_of(ldns_pkt *answer)
{
    ldns_edns_option_list *options =
        ldns_pkt_edns(answer) ? ldns_pkt_edns_get_option_list(answer) : NULL;
    enum dns_outcome outcome = DNS_FAILED;
    for (size_t i = 0; i < ldns_edns_option_list_get_count(options) && outcome == DNS_FAILED; i++) {
        const ldns_edns_option *option = ldns_edns_option_list_get_option(options, i);
        if (ldns_edns_get_code(option) == LDNS_EDNS_EDE && ldns_edns_get_size(option) >= 2) {
            outcome = outcome_of_code(ldns_read_uint16(ldns_edns_get_data(option)));
        }
    }
    return outcome;
}

/* --- One question, to one server after the other --- */

struct asking {
    const struct dns_resolver *resolver;
    const struct dns_resolver_question *question;
    bool failed[DNS_SERVERS_MAX]; /* that server said SERVFAIL, and not why */
    /* What tells most so far. */
    enum dns_outcome worst;
    struct error e;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long one server may take where OTHERS are to be asked after it; 0: the time is over. */
static int64_t patience_ms(const struct asking *asking, size_t others)
{
    int64_t attempt_ms = asking->resolver->attempt_ms;
    if (asking->question->until_ms == INT64_MAX) {
        return attempt_ms;
    }
    int64_t left_ms = asking->question->until_ms - clock_monotonic_ms();
    int64_t share_ms = left_ms / (int64_t)(others + 1);
    return left_ms <= 0 ? 0 : least(attempt_ms, share_ms != 0 ? share_ms : left_ms);
}

/* An answer that says something about the name, one way or the other. */
static bool says_something(const ldns_pkt *packet)
{
    ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
    return code == LDNS_RCODE_NOERROR || code == LDNS_RCODE_NXDOMAIN;
}

static bool tell_bogus(const struct dns_server *server, struct error *e)
{
    return error_set(e, ERROR_RETRY,
                     "DNSSEC is broken, says DNS server %s; correct the zone's signatures, or the "
                     "DS record at its parent",
                     server->text);
}

static bool tell_code(const struct dns_server *server, ldns_pkt_rcode code, struct error *e)
{
    char *text = ldns_pkt_rcode2str(code);
    error_format(e, ERROR_RETRY, "DNS server %s answered %s; try again, or name another",
                 server->text, text != NULL ? text : "with an unknown code");
    LDNS_FREE(text);
    return false;
}

/* How much an outcome tells of the zone. */
static int weight(enum dns_outcome failure)
{
    return failure == DNS_NOT_ASKED   ? 0
           : failure == DNS_NO_ANSWER ? 1
           : failure == DNS_FAILED    ? 2
                                      : 3;
}

static void note_failure(struct asking *asking, enum dns_outcome failure, const struct error *e)
{
    if (weight(failure) > weight(asking->worst)) {
        asking->worst = failure;
        asking->e = *e;
    }
}

/* False: it said nothing of use, which is noted. */
static bool ask_server(struct asking *asking, size_t i, int64_t timeout_ms, ldns_pkt **ret_packet)
{
    const struct dns_server *server = &asking->resolver->servers[i];
    struct error e;
    ldns_pkt *packet = NULL;
    if (!dns_exchange(server, asking->question->name, asking->question->type, timeout_ms, &packet,
                      &e)) {
        /* A question that is wrong is so for every server. */
        note_failure(asking, e.code == ERROR_RETRY ? DNS_NO_ANSWER : DNS_UNUSABLE, &e);
        return false;
    }
    if (says_something(packet)) {
        *ret_packet = packet;
        return true;
    }
    ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
    enum dns_outcome failure = outcome_of(packet);
    ldns_pkt_free(packet);
    asking->failed[i] = code == LDNS_RCODE_SERVFAIL && failure == DNS_FAILED;
    (void)(failure == DNS_BOGUS ? tell_bogus(server, &e) : tell_code(server, code, &e));
    note_failure(asking, failure, &e);
    return false;
}

static bool ask_servers(struct asking *asking, ldns_pkt **ret_packet)
{
    size_t count = asking->resolver->count;
    for (size_t i = 0; i < DNS_ROUNDS * count && asking->worst != DNS_UNUSABLE; i++) {
        int64_t timeout_ms = patience_ms(asking, count - 1 - i % count);
        if (timeout_ms <= 0) {
            break;
        }
        if (ask_server(asking, i % count, timeout_ms, ret_packet)) {
            return true;
        }
    }
    return false;
}

/* Whether SERVER has an answer that it gives out only where nobody checks it. */
static bool hides_answer(const struct asking *asking, const struct dns_server *server,
                         int64_t timeout_ms)
{
    struct error e;
    ldns_pkt *packet = NULL;
    if (!dns_exchange_unchecked(server, asking->question->name, asking->question->type, timeout_ms,
                                &packet, &e)) {
        return false;
    }
    bool hides = says_something(packet);
    ldns_pkt_free(packet);
    return hides;
}

/* Not every server says by RFC 8914 that it is DNSSEC. Each has failed twice by now, so that a
 * zone's servers that came back between two questions are hardly taken for it. */
static void look_for_bogus(struct asking *asking)
{
    const struct dns_resolver *resolver = asking->resolver;
    for (size_t i = 0; i < resolver->count && asking->worst == DNS_FAILED; i++) {
        int64_t timeout_ms = asking->failed[i] ? patience_ms(asking, resolver->count - 1 - i) : 0;
        if (timeout_ms > 0 && hides_answer(asking, &resolver->servers[i], timeout_ms)) {
            struct error e;
            (void)tell_bogus(&resolver->servers[i], &e);
            note_failure(asking, DNS_BOGUS, &e);
        }
    }
}

/* The time was over: before any server could be asked, or while one was. */
static void note_time(struct asking *asking)
{
    enum { MS_PER_S = 1000 };
    struct error e;
    if (asking->question->until_ms - clock_monotonic_ms() > 0 || weight(asking->worst) > 1) {
        return;
    }
    error_format(&e, ERROR_RETRY,
                 "no answer within %g s, all that a look-up may take; try again, or name another "
                 "DNS server",
                 (double)asking->resolver->deadline_ms / MS_PER_S);
    asking->worst = DNS_NO_ANSWER;
    asking->e = e;
}

bool dns_resolver_ask_outcome(const struct dns_resolver *resolver,
                              const struct dns_resolver_question *question, ldns_pkt **ret_packet,
                              enum dns_outcome *ret_failure, struct error *e)
{
    struct asking asking = {.resolver = resolver, .question = question};
    if (ask_servers(&asking, ret_packet)) {
        return true;
    }
    look_for_bogus(&asking);
    note_time(&asking);
    *ret_failure = asking.worst;
    *e = asking.e;
    return false;
}

bool dns_resolver_ask(const struct dns_resolver *resolver, struct bytes name, ldns_rr_type type,
                      ldns_pkt **ret_packet, struct error *e)
{
    enum dns_outcome failure;
    const struct dns_resolver_question question = {name, type, dns_resolver_until_ms(resolver)};
    return dns_resolver_ask_outcome(resolver, &question, ret_packet, &failure, e);
}
