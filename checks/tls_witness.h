/* Sees the certificate that a TLS server shows, verifies it as a sender does, writes down what came
 * of it, and lets the connection go on all the same. */
#ifndef CHECKS_TLS_WITNESS_H
#define CHECKS_TLS_WITNESS_H

#include <openssl/ssl.h>

#include "checks/observation.h"
#include "lib/base/error.h"

/* The roots in FILE (PEM) ALONE, or the system's, and those of FILE where it is not NULL. Any
 * thread may use it. Free with X509_STORE_free. */
bool tls_witness_trust(const char *file, bool alone, X509_STORE **ret_trust, struct error *e)
    MUST_USE;

struct tls_witness {
    X509_STORE *trust;
    const char *host;                         /* whose certificate it must be */
    struct observed_certificate *certificate; /* filled in */
    int *tls_version;                         /* the same: 12, 13 */
    char *group;                              /* the same, of OBSERVATION_GROUP_SIZE */
};

/* For transfer_request.tls_setup; CONTEXT is a tls_witness that outlives the transfer. */
void tls_witness_setup(SSL_CTX *context, void *witness);

#endif
