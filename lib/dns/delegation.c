#include "delegation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dns/exchange.h"
#include "lib/dns/lookup.h"
#include "lib/dns/wire_name.h"

enum { SERVERS_LOOKED_AT = 4 };

/* A server's name and one of its addresses. */
struct server {
    char *name;
    struct dns_server at;
};

struct servers {
    struct server items[SERVERS_LOOKED_AT];
    size_t count;
    char *zone; /* that they are named for */
};

static void servers_clear(struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        free(servers->items[i].name);
    }
    free(servers->zone);
    *servers = (struct servers){.count = 0};
}

static void packet_cleanup(ldns_pkt **packet)
{
    ldns_pkt_free(*packet);
}

static bool parse_address(const char *address, struct dns_server *ret_server)
{
    struct error e;
    return dns_server_parse(bytes_of(address), ret_server, &e);
}

/* From the records that came with the name, or else by a look-up. */
static bool find_address(const struct dns_resolver *resolver, const ldns_pkt *packet,
                         const ldns_rdf *name, struct dns_server *ret_server)
{
    const ldns_rr_list *glue = ldns_pkt_additional(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(glue); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(glue, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_A && ldns_rr_rd_count(rr) == 1 &&
            ldns_dname_compare(ldns_rr_owner(rr), name) == 0) {
            CLEANUP_FREE char *text = ldns_rdf2str(ldns_rr_rdf(rr, 0));
            return text != NULL && parse_address(text, ret_server);
        }
    }
    struct error e;
    CLEANUP_FREE char *host = dns_wire_name_text(name);
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    return dns_lookup_addresses(resolver, bytes_of(host), &addresses, &e) && addresses.count != 0 &&
           parse_address(addresses.items[0], ret_server);
}

static void take_servers(const struct dns_resolver *resolver, const ldns_pkt *packet,
                         const ldns_rr_list *records, struct servers *servers)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(records) && servers->count < SERVERS_LOOKED_AT;
         i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        struct server *server = &servers->items[servers->count];
        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_NS || ldns_rr_rd_count(rr) != 1 ||
            !find_address(resolver, packet, ldns_rr_rdf(rr, 0), &server->at)) {
            continue;
        }
        server->name = dns_wire_name_text(ldns_rr_rdf(rr, 0));
        servers->count++;
        if (servers->zone == NULL) {
            servers->zone = dns_wire_name_text(ldns_rr_owner(rr));
        }
    }
}

/* The servers of the nearest zone above NAME that answers. */
static bool find_parent(const struct dns_resolver *resolver, struct bytes name,
                        struct servers *ret_servers)
{
    const char *dot = NULL;
    while (ret_servers->count == 0 && (dot = memchr(name.p, '.', name.n)) != NULL) {
        struct error e;
        CLEANUP(packet_cleanup) ldns_pkt *packet = NULL;
        name = bytes_skip(name, (size_t)(dot - name.p) + 1);
        if (dns_resolver_ask(resolver, name, LDNS_RR_TYPE_NS, &packet, &e)) {
            take_servers(resolver, packet, ldns_pkt_answer(packet), ret_servers);
        }
    }
    return ret_servers->count != 0;
}

/* Whom the parent's servers delegate the zone of NAME to. */
static bool find_delegation(const struct dns_resolver *resolver, struct bytes name,
                            struct servers *ret_servers)
{
    CLEANUP(servers_clear) struct servers parent = {.count = 0};
    if (!find_parent(resolver, name, &parent)) {
        return false;
    }
    for (size_t i = 0; i < parent.count && ret_servers->count == 0; i++) {
        struct error e;
        CLEANUP(packet_cleanup) ldns_pkt *packet = NULL;
        if (dns_exchange(&parent.items[i].at, name, LDNS_RR_TYPE_NS, DNS_DELEGATION_MS, &packet,
                         &e)) {
            take_servers(resolver, packet, ldns_pkt_authority(packet), ret_servers);
        }
    }
    return ret_servers->count != 0;
}

/* Whether it answers, and that it does not know the zone; WHY says how. */
static bool is_lame(const struct server *server, const char *zone, char why[DNS_WHY_SIZE])
{
    struct error e;
    CLEANUP(packet_cleanup) ldns_pkt *packet = NULL;
    if (!dns_exchange(&server->at, bytes_of(zone), LDNS_RR_TYPE_SOA, DNS_DELEGATION_MS, &packet,
                      &e)) {
        return false;
    }
    ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
    if ((code == LDNS_RCODE_NOERROR || code == LDNS_RCODE_NXDOMAIN) && ldns_pkt_aa(packet)) {
        return false;
    }
    if (code == LDNS_RCODE_SERVFAIL) {
        return false; /* it knows the zone, and cannot serve it */
    }
    CLEANUP_FREE char *word = ldns_pkt_rcode2str(code);
    /* As long as each may be, all of it has room. */
    (void)snprintf(why, DNS_WHY_SIZE, "%.64s is delegated to %.64s (%.63s), which answers %.20s",
                   zone, server->name, server->at.text,
                   code == LDNS_RCODE_NOERROR ? "without authority"
                   : word != NULL             ? word
                                              : "by an error");
    return true;
}

void dns_delegation_explain(const struct dns_resolver *resolver, struct bytes name,
                            struct dns_trace *trace)
{
    CLEANUP(servers_clear) struct servers servers = {.count = 0};
    if (trace->outcome != DNS_FAILED || !find_delegation(resolver, name, &servers)) {
        return;
    }
    char why[DNS_WHY_SIZE];
    for (size_t i = 0; i < servers.count; i++) {
        if (!is_lame(&servers.items[i], servers.zone, why)) {
            return;
        }
    }
    trace->outcome = DNS_UNREACHED;
    memcpy(trace->why, why, sizeof(why));
}
