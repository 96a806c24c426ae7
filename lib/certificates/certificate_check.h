/* What a certificate must be for senders to accept it: said once, when the file is read, instead of
 * at every handshake. What the view does not know for certain is OpenSSL's to judge, on the full
 * certificate. PATH is for the message. */
#ifndef LIB_CERTIFICATES_CERTIFICATE_CHECK_H
#define LIB_CERTIFICATES_CERTIFICATE_CHECK_H

#include "lib/base/error.h"
#include "lib/certificates/certificate_view.h"

/* Key and signature of at least 112 bits of security: OpenSSL's security level 2, which the
 * server's context has. NUMBER counts from 1 in the file. */
bool certificate_check_strength(const struct certificate_view *certificate, const char *path,
                                size_t number, struct error *e) MUST_USE;

/* The leaf's key is RSA, or ECDSA with P-256, P-384 or P-521. */
bool certificate_check_key(const struct certificate_view *leaf, const char *path, struct error *e)
    MUST_USE;

#endif
