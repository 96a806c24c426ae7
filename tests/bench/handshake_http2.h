/* One policy fetched by HTTP/2, its frames made by hand (RFC 9113): the least that a client says,
 * so that what is measured is the server. */
#ifndef BENCH_HANDSHAKE_HTTP2_H
#define BENCH_HANDSHAKE_HTTP2_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

enum { HANDSHAKE_REQUEST_MAX = 256 };

/* Connections of CONTEXT offer HTTP/2 and nothing else. */
bool handshake_http2_offer(SSL_CTX *context);

/* Preface, SETTINGS and a GET of NAME's policy as stream 1. Returns how many octets of
 * RET_REQUEST[HANDSHAKE_REQUEST_MAX] that takes. NAME is one of handshake_name(). */
size_t handshake_http2_request(const char *name, char *ret_request);

/* Whether the N octets of ANSWER have the end of stream 1; then *RET_BODY is its first DATA. */
bool handshake_http2_is_whole(const char *answer, size_t n, const char **ret_body);

#endif
