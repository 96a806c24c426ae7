/* The certificate that answers a tls-alpn-01 challenge (RFC 8737 §3): self-signed, HOST its one
 * subjectAltName, a critical acmeIdentifier with the SHA-256 of the key authorization. */
#ifndef ACME_PROTOCOL_ALPN_CERTIFICATE_H
#define ACME_PROTOCOL_ALPN_CERTIFICATE_H

#include "lib/certificates/pair.h"

/* Valid from an hour before NOW_S for a week. The caller unrefs. */
bool alpn_certificate_make(const char *host, struct bytes key_authorization, int64_t now_s,
                           struct certificate_pair **ret_pair, struct error *e) MUST_USE;

#endif
