#include "record.h"

#include "lib/base/buffer.h"
#include "lib/dns/exchange.h"
#include "lib/dns/name.h"

/* The strings of a TXT record. */
static bool push_text(ldns_rr *rr, struct bytes text, struct error *e)
{
    if (text.n > DNS_TEXT_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "a text of %zu octets; at most %d are published: shorten it", text.n,
                         DNS_TEXT_MAX);
    }
    do {
        uint8_t string[1 + DNS_STRING_MAX];
        size_t n = text.n < DNS_STRING_MAX ? text.n : DNS_STRING_MAX;
        string[0] = (uint8_t)n;
        if (n != 0) { /* an empty one may be no pointer at all */
            memcpy(string + 1, text.p, n);
        }
        if (!ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, 1 + n, string))) {
            abort(); /* out of memory */
        }
        text = bytes_skip(text, n);
    } while (text.n != 0);
    return true;
}

static bool push_target(ldns_rr *rr, struct bytes target, struct error *e)
{
    ldns_rdf *name = dns_owner_new(target, e);
    if (name == NULL) {
        return false;
    }
    ldns_rr_push_rdf(rr, name);
    return true;
}

bool dns_record_make(const struct dns_record *record, ldns_rr **ret_rr, struct error *e)
{
    ldns_rdf *owner = dns_owner_new(record->name, e);
    if (owner == NULL) {
        return false;
    }
    ldns_rr *rr = ldns_rr_new();
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    ldns_rr_set_type(rr, record->kind == DNS_TXT ? LDNS_RR_TYPE_TXT : LDNS_RR_TYPE_CNAME);
    ldns_rr_set_ttl(rr, record->ttl_s);
    bool ok =
        record->kind == DNS_TXT ? push_text(rr, record->data, e) : push_target(rr, record->data, e);
    if (!ok) {
        ldns_rr_free(rr);
        return false;
    }
    *ret_rr = rr;
    return true;
}

static bool is_kept(const ldns_rr *rr, const ldns_rdf *owner)
{
    ldns_rr_type type = ldns_rr_get_type(rr);
    return (type == LDNS_RR_TYPE_TXT || type == LDNS_RR_TYPE_CNAME) &&
           ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

bool dns_record_standing(const ldns_pkt *answer, const ldns_rdf *owner, bool authoritative,
                         ldns_rr_list **ret_standing, struct error *e)
{
    ldns_pkt_rcode code = ldns_pkt_get_rcode(answer);
    if (code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN) {
        char *text = ldns_pkt_rcode2str(code);
        error_format(e, ERROR_RETRY, "what stands there is not told: %s",
                     text != NULL ? text : "an unknown code");
        LDNS_FREE(text);
        return false;
    }
    if (authoritative && !ldns_pkt_aa(answer)) {
        return error_set(e, ERROR_RETRY,
                         "it does not have the zone of this name; name the zone's primary in "
                         "dns.update.server");
    }
    ldns_rr_list *standing = ldns_rr_list_new();
    const ldns_rr_list *records = ldns_pkt_answer(answer);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        if (is_kept(rr, owner)) {
            ldns_rr_list_push_rr(standing, ldns_rr_clone(rr));
        }
    }
    *ret_standing = standing;
    return true;
}

static char *target_of(const ldns_rr *rr)
{
    char *target = ldns_rr_rd_count(rr) == 1 ? ldns_rdf2str(ldns_rr_rdf(rr, 0)) : NULL;
    size_t n = target != NULL ? strlen(target) : 0;
    CLEANUP_FREE char *copy = n > 1 ? memory_string_of((struct bytes){target, n - 1}) : NULL;
    LDNS_FREE(target);
    return TAKE(copy);
}

char *dns_record_data(const ldns_rr *rr)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(DNS_TEXT_MAX);
    if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_TXT) {
        return target_of(rr);
    }
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *string = ldns_rr_rdf(rr, i);
        size_t n = ldns_rdf_size(string);
        if (n != 0) {
            buffer_add(&text, (struct bytes){(const char *)ldns_rdf_data(string) + 1, n - 1});
        }
    }
    bool usable = !text.overflow && text.n != 0 && memchr(text.p, '\0', text.n) == NULL;
    return usable ? buffer_take(&text) : NULL;
}

bool dns_record_stands(const ldns_rr *wanted, const ldns_rr_list *standing, bool ttl)
{
    if (ldns_rr_list_rr_count(standing) != 1) {
        return false;
    }
    const ldns_rr *there = ldns_rr_list_rr(standing, 0);
    return ldns_rr_compare(there, wanted) == 0 &&
           (!ttl || ldns_rr_ttl(there) == ldns_rr_ttl(wanted));
}

bool dns_record_same(const ldns_rr_list *a, const ldns_rr_list *b)
{
    if (ldns_rr_list_rr_count(a) != ldns_rr_list_rr_count(b)) {
        return false;
    }
    for (size_t i = 0; i < ldns_rr_list_rr_count(a); i++) {
        if (!ldns_rr_list_contains_rr(b, ldns_rr_list_rr(a, i))) {
            return false;
        }
    }
    return true;
}
