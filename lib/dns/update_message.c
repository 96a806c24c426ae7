#include "update_message.h"

#include <sys/random.h>

enum {
    OVERHEAD = 64
}; /* of a change: three record headers, and prerequisites that nothing stands */

/* A record of TYPE and CLASS at OWNER without data: what RFC 2136 §2.4 and §2.5 say things with. */
static ldns_rr *make_bare(const ldns_rdf *owner, ldns_rr_type type, ldns_rr_class class)
{
    ldns_rr *rr = ldns_rr_new();
    ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, class);
    ldns_rr_set_ttl(rr, 0);
    return rr;
}

static bool stands(const struct dns_change *change)
{
    return ldns_rr_list_rr_count(change->before) != 0 && !change->from_wildcard;
}

/* §2.4.2 where something stood, §2.4.3 where nothing did. */
static void add_prerequisites(ldns_rr_list *list, const struct dns_change *change)
{
    const ldns_rdf *owner = ldns_rr_owner(change->wanted);
    for (size_t i = 0; stands(change) && i < ldns_rr_list_rr_count(change->before); i++) {
        ldns_rr *rr = ldns_rr_clone(ldns_rr_list_rr(change->before, i));
        ldns_rr_set_ttl(rr, 0);
        ldns_rr_list_push_rr(list, rr);
    }
    if (!stands(change)) {
        ldns_rr_list_push_rr(list, make_bare(owner, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_NONE));
        ldns_rr_list_push_rr(list, make_bare(owner, LDNS_RR_TYPE_CNAME, LDNS_RR_CLASS_NONE));
    }
}

/* §2.5.2, then §2.5.1. */
static void add_updates(ldns_rr_list *list, const struct dns_change *change)
{
    if (stands(change)) {
        ldns_rr_type type = ldns_rr_get_type(ldns_rr_list_rr(change->before, 0));
        ldns_rr_list_push_rr(list,
                             make_bare(ldns_rr_owner(change->wanted), type, LDNS_RR_CLASS_ANY));
    }
    if (!change->away) {
        ldns_rr_list_push_rr(list, ldns_rr_clone(change->wanted));
    }
}

size_t dns_change_octets(const struct dns_change *change)
{
    size_t octets = ldns_rr_uncompressed_size(change->wanted) + OVERHEAD +
                    2 * ldns_rdf_size(ldns_rr_owner(change->wanted));
    for (size_t i = 0; i < ldns_rr_list_rr_count(change->before); i++) {
        octets += ldns_rr_uncompressed_size(ldns_rr_list_rr(change->before, i));
    }
    return octets;
}

size_t dns_update_fit(const struct dns_change *changes, size_t count)
{
    size_t octets = 0;
    size_t n = 0;
    while (n < count && n < DNS_UPDATE_NAMES) {
        octets += dns_change_octets(&changes[n]);
        if (n != 0 && octets > DNS_UPDATE_OCTETS) {
            break;
        }
        n++;
    }
    return n;
}

ldns_pkt *dns_update_message(const ldns_rdf *zone, const struct dns_change *changes, size_t count)
{
    ldns_rr_list *prerequisites = ldns_rr_list_new();
    ldns_rr_list *updates = ldns_rr_list_new();
    for (size_t i = 0; i < count; i++) {
        add_prerequisites(prerequisites, &changes[i]);
        add_updates(updates, &changes[i]);
    }
    ldns_rr_list *additional = ldns_rr_list_new();
    ldns_pkt *packet = ldns_update_pkt_new(ldns_rdf_clone(zone), LDNS_RR_CLASS_IN, prerequisites,
                                           updates, additional);
    uint16_t id = 0;
    if (packet == NULL || getrandom(&id, sizeof(id), 0) != sizeof(id)) {
        abort(); /* out of memory; getrandom of two octets does not fail */
    }
    ldns_pkt_set_id(packet, id);
    ldns_pkt_set_rd(packet, false); /* §2.2: all flags are zero */
    /* The packet has copies. */
    ldns_rr_list_deep_free(prerequisites);
    ldns_rr_list_deep_free(updates);
    ldns_rr_list_deep_free(additional);
    return packet;
}
