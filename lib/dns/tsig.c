#include "tsig.h"

/* The fields of the record, RFC 8945 §4.2. */
enum { FIELD_ALGORITHM, FIELD_TIME, FIELD_FUDGE, FIELD_MAC, FIELD_ID, FIELD_ERROR, FIELD_OTHER };
enum { FIELDS = 7, TIME_OCTETS = 6 };

void dns_tsig_sign(ldns_pkt *request, const struct dns_tsig_key *key)
{
    if (ldns_pkt_tsig_sign(request, key->name, key->secret, DNS_TSIG_FUDGE_S, key->algorithm,
                           NULL) != LDNS_STATUS_OK) {
        abort(); /* out of memory: dns_tsig_key_parse has looked at all the rest */
    }
}

/* FIELD of PACKET's signature record, or NULL. */
static const ldns_rdf *field_of(const ldns_pkt *packet, unsigned field)
{
    const ldns_rr *record = ldns_pkt_tsig(packet);
    return record != NULL && ldns_rr_rd_count(record) == FIELDS ? ldns_rr_rdf(record, field) : NULL;
}

static bool is_name(const ldns_rdf *name, const char *want)
{
    ldns_rdf *wanted = ldns_dname_new_frm_str(want);
    bool same = wanted != NULL && ldns_dname_compare(name, wanted) == 0;
    ldns_rdf_deep_free(wanted);
    return same;
}

static bool is_recent(const ldns_pkt *response, int64_t now_s)
{
    const ldns_rdf *time = field_of(response, FIELD_TIME);
    if (ldns_rdf_size(time) != TIME_OCTETS) {
        return false;
    }
    int64_t signed_s = 0;
    for (size_t i = 0; i < TIME_OCTETS; i++) {
        signed_s = signed_s << 8 | ldns_rdf_data(time)[i];
    }
    return signed_s - now_s <= DNS_TSIG_FUDGE_S && now_s - signed_s <= DNS_TSIG_FUDGE_S;
}

bool dns_tsig_verify(const struct dns_tsig_key *key, const ldns_pkt *request, ldns_pkt *response,
                     struct bytes wire, int64_t now_s, struct error *e)
{
    const ldns_rdf *algorithm = field_of(response, FIELD_ALGORITHM);
    if (algorithm == NULL) {
        return error_set(e, ERROR_SYNTAX, "the answer is not signed");
    }
    /* ldns takes these from the answer, or from RFC 8945 §4.2 whatever the answer has. */
    if (ldns_rr_get_class(ldns_pkt_tsig(response)) != LDNS_RR_CLASS_ANY ||
        ldns_rr_ttl(ldns_pkt_tsig(response)) != 0 ||
        !is_name(ldns_rr_owner(ldns_pkt_tsig(response)), key->name) ||
        !is_name(algorithm, key->algorithm)) {
        return error_set(e, ERROR_SYNTAX, "the answer is signed with another key");
    }
    if (!ldns_pkt_tsig_verify(response, (const uint8_t *)wire.p, wire.n, key->name, key->secret,
                              field_of(request, FIELD_MAC))) {
        return error_set(e, ERROR_SYNTAX, "the answer's signature is wrong");
    }
    return is_recent(response, now_s) ||
           error_set(e, ERROR_SYNTAX, "the answer was signed at another time");
}

unsigned dns_tsig_error(const ldns_pkt *response)
{
    const ldns_rdf *error = field_of(response, FIELD_ERROR);
    return error != NULL && ldns_rdf_size(error) == 2 ? ldns_rdf2native_int16(error) : 0;
}
