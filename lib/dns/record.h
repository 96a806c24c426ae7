/* A record as it should stand, what stands at its name, and whether the two differ. */
#ifndef LIB_DNS_RECORD_H
#define LIB_DNS_RECORD_H

#include <ldns/ldns.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

enum {
    DNS_STRING_MAX = 255,     /* of one string of a TXT record, RFC 1035 §3.3.14 */
    DNS_TEXT_MAX = 16 * 1024, /* of one TXT record that is published */
};

enum dns_record_kind { DNS_TXT, DNS_CNAME };

struct dns_record {
    struct bytes name; /* without the final dot */
    enum dns_record_kind kind;
    struct bytes data; /* TXT: the text before it is cut into strings; CNAME: the target */
    uint32_t ttl_s;
};

/* RECORD in ldns's form; the caller frees it. */
bool dns_record_make(const struct dns_record *record, ldns_rr **ret_rr, struct error *e) MUST_USE;

/* What ANSWER says of the TXT records and the CNAME of OWNER itself, whatever lies behind a CNAME;
 * an empty list: there are none. The caller frees it with ldns_rr_list_deep_free. AUTHORITATIVE:
 * only a server of the zone is believed. Pure. Fails with ERROR_RETRY where ANSWER does not say. */
bool dns_record_standing(const ldns_pkt *answer, const ldns_rdf *owner, bool authoritative,
                         ldns_rr_list **ret_standing, struct error *e) MUST_USE;

/* The text of a TXT record, its strings joined, or the target of a CNAME without its final dot; the
 * caller frees it. NULL: it has none, or a NUL in it. */
char *dns_record_data(const ldns_rr *rr);

/* Whether WANTED stands, alone. TTL: and with its time to live. */
bool dns_record_stands(const ldns_rr *wanted, const ldns_rr_list *standing, bool ttl);

/* Whether both lists hold the same records, in any order, whatever their time to live. */
bool dns_record_same(const ldns_rr_list *a, const ldns_rr_list *b);

#endif
