/* The groups in which keys are agreed, best first.
 *
 * X25519MLKEM768 (post-quantum and X25519 together) goes first where OpenSSL has it, from 3.5 on.
 * All are equal in one way: whichever of them a client has sent a key share for is taken. A client
 * that knows X25519MLKEM768 but sent a share of X25519 alone is not asked again, which would cost
 * it a round trip: what it fetches is public, so that nobody gains by keeping the octets until
 * there are quantum computers. A HelloRetryRequest (RFC 8446 §4.1.4) goes to those alone that sent
 * no share of any of them. */
#ifndef LIB_TLS_TLS_GROUPS_H
#define LIB_TLS_TLS_GROUPS_H

#include <openssl/ssl.h>

/* Sets them. The list that OpenSSL took, names with colons between; NULL: it took none. */
const char *tls_groups_set(SSL_CTX *ssl);

#endif
