/* The subjectAltName of what is for one host (RFC 5280 §4.2.1.6). */
#ifndef ACME_PROTOCOL_SAN_EXTENSION_H
#define ACME_PROTOCOL_SAN_EXTENSION_H

#include <openssl/x509v3.h>

/* HOST (normalised) as the one DNS name. NULL: OpenSSL's error queue says why. The caller frees it
 * with X509_EXTENSION_free. */
X509_EXTENSION *san_extension_new(const char *host);

#endif
