/* A fresh key and the request for its certificate (RFC 2986): P-256, no subject, one
 * subjectAltName. */
#ifndef ACME_PROTOCOL_CSR_H
#define ACME_PROTOCOL_CSR_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

enum { CSR_MAX = 4096, CSR_KEY_MAX = 4096 };

/* Appends the key as PKCS #8 PEM to KEY (which the caller wipes) and the request as DER to CSR.
 * HOST is normalised. */
bool csr_make(const char *host, struct buffer *key, struct buffer *csr, struct error *e) MUST_USE;

#endif
