/* Signatures of questions and answers by a shared key (RFC 8945), on ldns. */
#ifndef LIB_DNS_TSIG_H
#define LIB_DNS_TSIG_H

#include <ldns/ldns.h>
#include <stdint.h>

#include "lib/dns/tsig_key.h"

enum { DNS_TSIG_FUDGE_S = 300 }; /* by which the clocks may differ; RFC 8945 §10 */

/* Signs REQUEST, as its last change. */
void dns_tsig_sign(ldns_pkt *request, const struct dns_tsig_key *key);

/* Whether RESPONSE, as it came in WIRE, is the answer of who has KEY to REQUEST (whose signature
 * goes into the answer's), and was signed about NOW_S. False: why not, with ERROR_SYNTAX. */
bool dns_tsig_verify(const struct dns_tsig_key *key, const ldns_pkt *request, ldns_pkt *response,
                     struct bytes wire, int64_t now_s, struct error *e) MUST_USE;

/* RFC 8945 §3's error codes, that a server puts into its signature record. */
enum { DNS_TSIG_BADSIG = 16, DNS_TSIG_BADKEY = 17, DNS_TSIG_BADTIME = 18, DNS_TSIG_BADTRUNC = 22 };

/* The code in RESPONSE's signature record; 0: none, or it has no such record. */
unsigned dns_tsig_error(const ldns_pkt *response);

#endif
