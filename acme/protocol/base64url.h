/* Base64url without padding (RFC 4648 §5, RFC 7515 §2), by OpenSSL's base64. */
#ifndef ACME_PROTOCOL_BASE64URL_H
#define ACME_PROTOCOL_BASE64URL_H

#include "lib/base/buffer.h"
#include "lib/base/memory.h"

/* OUT has to have room for padding too, of which nothing stays. */
void base64url_add(struct bytes octets, struct buffer *out);
/* Appends what TEXT stands for; padding is accepted, white space is not. False: it is no
 * base64url, or OUT is full; OUT may have grown. */
bool base64url_decode(struct bytes text, struct buffer *out) MUST_USE;

#endif
