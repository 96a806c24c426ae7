/* A look at what answers a tls-alpn-01 challenge at an address, as a CA looks (RFC 8737 §3): which
 * protocol is agreed and which certificate is shown, in the handshake of a transfer
 * (lib/fetch/transfer.h) that is `connect_only` and does not announce HTTP's protocols.
 *
 *     struct tls_probe probe = {.want = pair};
 *     transfer_new(&(struct transfer_request){… .tls_setup = tls_probe_setup,
 *                                             .tls_setup_context = &probe});
 *     … done … tls_probe_judge(&probe, &e) …
 */
#ifndef ACME_TLS_PROBE_H
#define ACME_TLS_PROBE_H

#include <openssl/ssl.h>

#include "lib/certificates/pair.h"

/* Outlives the transfer. */
struct tls_probe {
    const struct certificate_pair *want; /* whose leaf is to be shown */
    bool agreed;                         /* seen: "acme-tls/1" … */
    bool same;                           /* … and that leaf, octet for octet */
};

/* For a transfer's `tls_setup`; PROBE is a struct tls_probe. */
void tls_probe_setup(SSL_CTX *context, void *probe);
/* After the handshake. False: another server answered; E without advice. */
bool tls_probe_judge(const struct tls_probe *probe, struct error *e) MUST_USE;

#endif
