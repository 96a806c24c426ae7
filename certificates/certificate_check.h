/* What a certificate must be for senders to accept it: said once, when the file is read, instead of
 * at every handshake. PATH is for the message. */
#ifndef CERTIFICATES_CERTIFICATE_CHECK_H
#define CERTIFICATES_CERTIFICATE_CHECK_H

#include <openssl/x509.h>

#include "base/error.h"

/* Key and signature of at least 112 bits of security: OpenSSL's security level 2, which the
 * server's context has. NUMBER counts from 1 in the file. */
bool certificate_check_strength(X509 *certificate, const char *path, size_t number, struct error *e)
    MUST_USE;

/* The leaf's key is RSA, or ECDSA with P-256, P-384 or P-521. */
bool certificate_check_key(const X509 *leaf, const char *path, struct error *e) MUST_USE;

#endif
