/* The TLS side of tls-alpn-01 (RFC 8737): which handshakes are a CA's and not a client's.
 *
 * A CA offers "acme-tls/1" and nothing else (§3: "ALPN extension with the single protocol name").
 * OpenSSL chooses the protocol only after the name's certificate was asked for, so the offer is
 * looked at when the ClientHello comes in, and remembered on the SSL. A client that offers other
 * protocols too is a client as any other, and "acme-tls/1" nothing that we know.
 *
 * Such a handshake proves one thing and is over: no session is kept of it, or resumed in it. */
#ifndef SERVER_ENGINE_TLS_ALPN_CHALLENGE_H
#define SERVER_ENGINE_TLS_ALPN_CHALLENGE_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "lib/base/bytes.h"

#define TLS_ALPN_CHALLENGE_PROTOCOL "acme-tls/1"

/* For the client-hello callback. Takes the app data of SSL. */
void tls_alpn_challenge_look(SSL *ssl);

/* In the callbacks that follow, and until the SSL's end: whether the peer asks for a challenge's
 * answer. Always false where nobody looked. */
bool tls_alpn_challenge_is_asked(const SSL *ssl);

/* For the ALPN callback of such an SSL: the protocol as RFC 7301 §3.1 names it. Static. */
struct bytes tls_alpn_challenge_protocol(void);

#endif
