/* Look-ups by a recursive DNS server: MX, TXT, addresses, CAA. Blocking; for the command line and
 * for threads that may wait.
 *
 *     struct dns_resolver *resolver;
 *     if (!dns_resolver_new(NULL, 0, &resolver, e)) …              // the system's servers
 *     CLEANUP(dns_mx_set_clear) struct dns_mx_set mx = {0};
 *     if (!dns_lookup_mx(resolver, BYTES("example.org"), &mx, e)) …
 *
 * Every look-up: true and an empty set where the name exists without such records; false with
 * ERROR_NOT_FOUND where there is no such name (NXDOMAIN), with ERROR_RETRY where no server said
 * (SERVFAIL, REFUSED, no answer), with ERROR_SYNTAX where the answer cannot be used, with
 * ERROR_LIMIT where it is larger than the limits below. CNAMEs are followed. A look-up ends in
 * time where the resolver has a deadline (dns_resolver_set_deadline_ms). */
#ifndef LIB_DNS_LOOKUP_H
#define LIB_DNS_LOOKUP_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"
#include "lib/dns/resolver.h"
#include "lib/dns/trace.h"

struct dns_mx {
    uint16_t preference;
    struct dns_name host;
};

/* Zero-initialised is empty. */
struct dns_mx_set {
    struct dns_mx *items; /* by preference, then by name */
    size_t count;
    size_t capacity;
    bool null_mx; /* RFC 7505: the domain takes no mail, and says so; no items then */
};

bool dns_lookup_mx(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_mx_set *ret_set, struct error *e) MUST_USE;
void dns_mx_set_clear(struct dns_mx_set *set);

/* The texts of a name's TXT records, in no order; the strings of one record joined (RFC 7208
 * §3.3). */
struct dns_txt_set {
    struct bytes *items; /* owned; each NUL-terminated as well */
    size_t count;
    size_t capacity;
};

bool dns_lookup_txt(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_txt_set *ret_set, struct error *e) MUST_USE;
void dns_txt_set_clear(struct dns_txt_set *set);

/* IPv4 and IPv6 addresses as text. */
struct dns_address_set {
    char (*items)[DNS_ADDRESS_SIZE]; /* IPv4 first */
    size_t count;
    size_t capacity;
};

bool dns_lookup_addresses(const struct dns_resolver *resolver, struct bytes name,
                          struct dns_address_set *ret_set, struct error *e) MUST_USE;
/* The same; *RET_TRACE tells how it went, true or false: of the question that failed, else of the
 * last. Where DNSSEC is broken it says DNS_BOGUS. */
bool dns_lookup_addresses_traced(const struct dns_resolver *resolver, struct bytes name,
                                 struct dns_address_set *ret_set, struct dns_trace *ret_trace,
                                 struct error *e) MUST_USE;
void dns_address_set_clear(struct dns_address_set *set);

/* The CAA records of one name as they are on the wire (RFC 8659 §4.1); lib/dns/caa.h takes them
 * apart.
 */
struct dns_caa_set {
    struct bytes *items; /* owned, in no order */
    size_t count;
    size_t capacity;
    char *owner; /* where they stand: the name, or what its CNAMEs lead to; NULL: there are none */
};

bool dns_lookup_caa(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_caa_set *ret_set, struct error *e) MUST_USE;
/* The same as a part of a look-up that is to end at UNTIL_MS (dns_resolver_until_ms()); TRACE tells
 * how it went, NULL: nobody wants to know. */
bool dns_lookup_caa_until(const struct dns_resolver *resolver, struct bytes name, int64_t until_ms,
                          struct dns_caa_set *ret_set, struct dns_trace *trace, struct error *e)
    MUST_USE;
void dns_caa_set_clear(struct dns_caa_set *set);

/* The same look-ups for who judges what is there: they do not fail, *RET_TRACE tells how they went,
 * and the set is empty unless records were found. Addresses take two questions. */
void dns_trace_mx(const struct dns_resolver *resolver, struct bytes name,
                  struct dns_mx_set *ret_set, struct dns_trace *ret_trace);
void dns_trace_txt(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_txt_set *ret_set, struct dns_trace *ret_trace);
void dns_trace_addresses(const struct dns_resolver *resolver, struct bytes name,
                         struct dns_address_set *ret_set, struct dns_trace *ret_a,
                         struct dns_trace *ret_aaaa);
/* Counts the TLSA records of NAME (RFC 6698), as in "_25._tcp.mx.example.org". */
void dns_trace_tlsa(const struct dns_resolver *resolver, struct bytes name, size_t *ret_count,
                    struct dns_trace *ret_trace);

#endif
