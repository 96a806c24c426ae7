#include "resolver.h"

#include <ldns/ldns.h>
#include <string.h>

#include "base/memory.h"
#include "dns/exchange.h"

enum { DNS_PORT = 53 };

struct dns_resolver {
    struct dns_server servers[DNS_SERVERS_MAX];
    size_t count;
    int64_t attempt_ms;
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

/* What the info-code of an extended error (RFC 8914) means for us. */
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

/* What a server says of why it failed: the first of its extended errors that tells more. */
static enum dns_outcome outcome_of(ldns_pkt *answer)
{
    enum dns_outcome outcome = DNS_FAILED;
    ldns_edns_option_list *options =
        ldns_pkt_edns(answer) ? ldns_pkt_edns_get_option_list(answer) : NULL;
    size_t count = ldns_edns_option_list_get_count(options);
    for (size_t i = 0; i < count && outcome == DNS_FAILED; i++) {
        const ldns_edns_option *option = ldns_edns_option_list_get_option(options, i);
        if (ldns_edns_get_code(option) == LDNS_EDNS_EDE && ldns_edns_get_size(option) >= 2) {
            outcome = outcome_of_code(ldns_read_uint16(ldns_edns_get_data(option)));
        }
    }
    return outcome;
}

/* An answer that says something about the name, one way or the other. */
/* NOLINTNEXTLINE(readability-function-size): a question is two of its parameters, an answer two */
static bool ask_server(const struct dns_resolver *resolver, const struct dns_server *server,
                       struct bytes name, ldns_rr_type type, ldns_pkt **ret_packet,
                       enum dns_outcome *ret_failure, struct error *e)
{
    ldns_pkt *packet = NULL;
    if (!dns_exchange(server, name, type, resolver->attempt_ms, &packet, e)) {
        *ret_failure = DNS_NO_ANSWER;
        return false;
    }
    ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
    if (code == LDNS_RCODE_NOERROR || code == LDNS_RCODE_NXDOMAIN) {
        *ret_packet = packet;
        return true;
    }
    *ret_failure = outcome_of(packet);
    ldns_pkt_free(packet);
    char *text = ldns_pkt_rcode2str(code);
    error_format(e, ERROR_RETRY, "DNS server %s answered %s; try again, or name another",
                 server->text, text != NULL ? text : "with an unknown code");
    LDNS_FREE(text);
    return false;
}

/* How much an outcome tells of the zone. */
static int weight(enum dns_outcome failure)
{
    return failure == DNS_NO_ANSWER ? 1 : failure == DNS_FAILED ? 2 : 3;
}

bool dns_resolver_ask_outcome(const struct dns_resolver *resolver, struct bytes name,
                              ldns_rr_type type, ldns_pkt **ret_packet,
                              enum dns_outcome *ret_failure, struct error *e)
{
    enum dns_outcome worst = DNS_NO_ANSWER;
    for (size_t i = 0; i < DNS_ROUNDS * resolver->count; i++) {
        const struct dns_server *server = &resolver->servers[i % resolver->count];
        enum dns_outcome failure = DNS_NO_ANSWER;
        if (ask_server(resolver, server, name, type, ret_packet, &failure, e)) {
            return true;
        }
        if (e->code != ERROR_RETRY) {
            return false; /* the question itself is wrong */
        }
        worst = weight(failure) > weight(worst) ? failure : worst;
    }
    *ret_failure = worst;
    return false;
}

bool dns_resolver_ask(const struct dns_resolver *resolver, struct bytes name, ldns_rr_type type,
                      ldns_pkt **ret_packet, struct error *e)
{
    enum dns_outcome failure;
    return dns_resolver_ask_outcome(resolver, name, type, ret_packet, &failure, e);
}
