/* The host names among a certificate's subjectAltNames (RFC 5280 §4.2.1.6). */
#ifndef LIB_CERTIFICATES_SAN_NAMES_H
#define LIB_CERTIFICATES_SAN_NAMES_H

#include <openssl/x509.h>

#include "lib/base/buffer.h"
#include "lib/certificates/pair.h"

/* The cap that the buffer of names wants. */
enum { SAN_NAMES_OCTETS = CERTIFICATE_NAMES_MAX * (DNS_NAME_MAX + 1) };

/* Appends the name TEXT to NAMES as san_names_read does. False: nothing was to be appended. */
bool san_names_add(struct bytes text, struct buffer *names);

/* Appends the names in a certificate's EXTENSIONS (NULL: none) to NAMES, each with a NUL after it:
 * normalised, wildcards as "*.example.org", each once, in the certificate's order. Names that
 * cannot be asked for (an underscore, a second asterisk) are passed over; none left, or more than
 * CERTIFICATE_NAMES_MAX, is an error. PATH is for the message. */
bool san_names_read(const STACK_OF(X509_EXTENSION) * extensions, const char *path,
                    struct buffer *names, size_t *ret_count, struct error *e) MUST_USE;

#endif
