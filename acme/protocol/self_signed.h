/* Certificates that sign themselves, for handshakes in which nobody looks at who signed: they are
 * made in memory, with a fresh key, and stay there. */
#ifndef ACME_PROTOCOL_SELF_SIGNED_H
#define ACME_PROTOCOL_SELF_SIGNED_H

#include <openssl/x509.h>

#include "lib/certificates/pair.h"

struct self_signed {
    const char *host;          /* its one subjectAltName */
    const char *common_name;   /* of its subject */
    X509_EXTENSION *extension; /* borrowed, or NULL */
    int64_t life_s;            /* from an hour before it is made */
    const char *purpose;       /* in messages: "tls-alpn-01" */
};

/* The caller unrefs. */
bool self_signed_make(const struct self_signed *what, int64_t now_s,
                      struct certificate_pair **ret_pair, struct error *e) MUST_USE;

#endif
