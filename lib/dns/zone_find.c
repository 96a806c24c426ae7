#include "zone_find.h"

enum { SOA_MNAME = 0 };

/* RDF's name in our form. False: it has characters that we do not send on. */
static bool take_name(const ldns_rdf *rdf, struct dns_name *ret_name)
{
    char *text = rdf != NULL ? ldns_rdf2str(rdf) : NULL;
    size_t n = text != NULL ? strlen(text) : 0;
    n -= n != 0 && text[n - 1] == '.' ? 1 : 0;
    bool ok = n != 0 && n <= DNS_NAME_MAX;
    struct dns_name name = {.n = (unsigned char)(ok ? n : 0)};
    for (size_t i = 0; ok && i < n; i++) {
        char c = text[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        name.text[i] = c;
    }
    LDNS_FREE(text);
    if (ok) {
        *ret_name = name;
    }
    return ok;
}

/* Whether RR is the SOA of NAME or of a zone above it. */
static bool is_soa_of(const ldns_rr *rr, struct bytes name, struct dns_zone *ret_zone)
{
    struct dns_zone zone = {0};
    if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || !take_name(ldns_rr_owner(rr), &zone.apex) ||
        !dns_name_is_under(name, dns_name_bytes(&zone.apex))) {
        return false;
    }
    /* Where the primary is "." or odd, it stays empty: it is this zone all the same. */
    (void)take_name(ldns_rr_rdf(rr, SOA_MNAME), &zone.primary);
    *ret_zone = zone;
    return true;
}

static bool take_soa(const ldns_rr_list *section, struct bytes name, struct dns_zone *ret_zone)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        if (is_soa_of(ldns_rr_list_rr(section, i), name, ret_zone)) {
            return true;
        }
    }
    return false;
}

static bool has_alias(const ldns_pkt *answer)
{
    const ldns_rr_list *section = ldns_pkt_answer(answer);
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        ldns_rr_type type = ldns_rr_get_type(ldns_rr_list_rr(section, i));
        if (type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_DNAME) {
            return true;
        }
    }
    return false;
}

bool dns_zone_of_answer(const ldns_pkt *answer, struct bytes name, struct dns_zone *ret_zone)
{
    return !has_alias(answer) && (take_soa(ldns_pkt_answer(answer), name, ret_zone) ||
                                  take_soa(ldns_pkt_authority(answer), name, ret_zone));
}

bool dns_zone_find(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_zone *ret_zone, struct error *e)
{
    int64_t until_ms = dns_resolver_until_ms(resolver);
    for (struct bytes at = name; at.n != 0;) {
        ldns_pkt *answer = NULL;
        enum dns_outcome failure = DNS_FAILED;
        const struct dns_resolver_question question = {at, LDNS_RR_TYPE_SOA, until_ms};
        if (!dns_resolver_ask_outcome(resolver, &question, &answer, &failure, e)) {
            bool about_this_name = e->code == ERROR_RETRY && failure != DNS_NO_ANSWER;
            e->code = about_this_name ? ERROR_NOT_FOUND : e->code; /* REFUSED, SERVFAIL */
            return error_prefix(e, "the zone of %.*s is not known: ", BYTES_ARG(name));
        }
        bool found = dns_zone_of_answer(answer, at, ret_zone);
        ldns_pkt_free(answer);
        if (found) {
            return true;
        }
        const char *dot = memchr(at.p, '.', at.n);
        at = dot != NULL ? bytes_skip(at, (size_t)(dot - at.p) + 1) : (struct bytes){0};
    }
    return error_set(
        e, ERROR_NOT_FOUND,
        "no DNS server knows a zone of %.*s; correct the name, or name zone and server "
        "in dns.update",
        BYTES_ARG(name));
}
