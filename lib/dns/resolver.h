/* The recursive DNS servers that look-ups ask. */
#ifndef LIB_DNS_RESOLVER_H
#define LIB_DNS_RESOLVER_H

#include <ldns/ldns.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/trace.h"

enum {
    DNS_SERVERS_MAX = 8,   /* that one resolver asks */
    DNS_ATTEMPT_MS = 3000, /* for one server to answer */
    DNS_ROUNDS = 2,        /* over all servers */
};

/* Immutable once it is set up; several threads may ask by one. */
struct dns_resolver;

/* SERVERS are written as dns_server_parse() (lib/dns/exchange.h) reads them; COUNT 0 means those of
 * the system (/etc/resolv.conf). */
bool dns_resolver_new(const char *const *servers, size_t count, struct dns_resolver **ret_resolver,
                      struct error *e) MUST_USE;
void dns_resolver_free(struct dns_resolver *resolver);

/* How long one server may take to answer; DNS_ATTEMPT_MS from the start. */
void dns_resolver_set_attempt_ms(struct dns_resolver *resolver, int64_t attempt_ms);

/* How long one look-up of lib/dns/lookup.h or lib/dns/caa.h may take, however many questions,
 * CNAMEs and servers that takes; 0, from the start: as long as those do. What is over is
 * ERROR_RETRY. Every server still has its turn: none takes more of the time than its share of what
 * is left. */
void dns_resolver_set_deadline_ms(struct dns_resolver *resolver, int64_t deadline_ms);
/* When a look-up that begins now is to end, by clock_monotonic_ms(); INT64_MAX: never. */
int64_t dns_resolver_until_ms(const struct dns_resolver *resolver);

/* Asks one server after the other until one knows: the answer's code is NOERROR or NXDOMAIN. The
 * caller frees the packet with ldns_pkt_free. Fails with ERROR_RETRY where no server said. */
bool dns_resolver_ask(const struct dns_resolver *resolver, struct bytes name, ldns_rr_type type,
                      ldns_pkt **ret_packet, struct error *e) MUST_USE;

/* One question of a look-up. */
struct dns_resolver_question {
    struct bytes name;
    ldns_rr_type type;
    int64_t until_ms; /* when the look-up is to end: dns_resolver_until_ms() */
};

/* The same; where it fails, *RET_FAILURE is the outcome that tells most of all servers' answers, of
 * a server's own words by RFC 8914, too. A server that says SERVFAIL and no more is asked once more
 * with checking disabled: if it knows an answer then, it is DNSSEC that failed (RFC 4035
 * §3.2.2). */
bool dns_resolver_ask_outcome(const struct dns_resolver *resolver,
                              const struct dns_resolver_question *question, ldns_pkt **ret_packet,
                              enum dns_outcome *ret_failure, struct error *e) MUST_USE;

#endif
