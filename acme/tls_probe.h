/* A look at what answers a tls-alpn-01 challenge at an address, as a CA looks (RFC 8737 §3).
 * Blocking: for a thread that may wait. */
#ifndef ACME_TLS_PROBE_H
#define ACME_TLS_PROBE_H

#include <stdatomic.h>
#include <stdint.h>

#include "certificates/pair.h"

struct tls_probe {
    const char *address; /* IPv4 or IPv6, no brackets */
    int port;
    const char *host;                    /* asked for by SNI, with the one protocol "acme-tls/1" */
    const struct certificate_pair *want; /* whose leaf is to be shown; NULL: fails */
    int64_t timeout_ms;
    const _Atomic bool *abandon; /* the result is of no use any more */
};

/* False: another certificate, another server, or none: E says which, without advice. */
bool tls_probe(const struct tls_probe *probe, struct error *e) MUST_USE;

#endif
