/* Whether CAA records let a CA issue for a name (RFC 8659, RFC 8657).
 *
 * The records that count are those of the name itself or of the nearest name above it that has any
 * (RFC 8659 §3); CNAMEs are followed at each. A CA may issue where there are none, or where an
 * `issue` property names it; an unknown critical property forbids. `accounturi` and
 * `validationmethods` (RFC 8657) of the property that names the CA must both fit. */
#ifndef LIB_DNS_CAA_H
#define LIB_DNS_CAA_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/dns/resolver.h"

struct dns_caa_request {
    struct bytes name;          /* the host, normalised */
    const char *const *issuers; /* the CA's names for CAA */
    size_t issuer_count;        /* 0: allowed, and nobody is asked */
    const char *account_uri;    /* the account's URL; NULL: not known yet, not checked */
    const char *method;         /* "http-01" */
    struct dns_trace *trace;    /* set to how the last question went; NULL: nobody wants to know */
};

/* True: *RET_ALLOWED is set, and where it is false, why is appended to WHY ("CAA of example.org
 * allows letsencrypt.org only; add …"). False: no server said (ERROR_RETRY), or the answer cannot
 * be used. */
bool dns_caa_allows(const struct dns_resolver *resolver, const struct dns_caa_request *request,
                    bool *ret_allowed, struct buffer *why, struct error *e) MUST_USE;

/* One CAA record, taken apart. Pure; views into VALUE. For dns_caa_allows and the fuzz target. */
struct dns_caa_record {
    bool critical;
    struct bytes tag;
    struct bytes issuer; /* of `issue` and `issuewild`: may be empty: nobody */
    bool has_account_uri;
    struct bytes account_uri;
    bool has_methods;
    struct bytes methods; /* joined by commas */
    /* The value breaks the grammar, or has a parameter of RFC 8657 twice: names nobody (RFC 8659
     * §4.2). */
    bool malformed;
};
/* RDATA as on the wire: flags, tag length, tag, value (RFC 8659 §4.1). False: no CAA record. */
bool dns_caa_parse(struct bytes rdata, struct dns_caa_record *ret_record) MUST_USE;

#endif
