/* How the benchmark's clients come to a server: TCP on 127.0.0.1, then TLS 1.3 with one cipher and
 * one group, so that all servers do the same work. */
#ifndef BENCH_HANDSHAKE_SOCKET_H
#define BENCH_HANDSHAKE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { HANDSHAKE_NAME_MAX = 64 };

/* Keys are agreed in X25519, or in X25519MLKEM768 where HYBRID. NULL where OpenSSL cannot. The
 * chain is not verified, which would be the client's work. */
SSL_CTX *handshake_context_new(bool hybrid);

/* A non-blocking connection to PORT under way, or -1. NUMBER chooses the address to come from: each
 * has 28,000 ports, that stay taken for a minute. NAGLE: without TCP_NODELAY, so that a second
 * small write waits until the peer has acknowledged the first (RFC 9293, section 3.7.4). */
int handshake_socket_open(uint64_t port, uint64_t number, bool nagle);

/* The policy host of tenant NUMBER, in RET_NAME[HANDSHAKE_NAME_MAX]. */
void handshake_name(uint64_t number, char *ret_name);

/* What will do the handshake for NAME on FD, which stays the caller's; NULL where OpenSSL cannot.
 */
SSL *handshake_new(SSL_CTX *context, int fd, const char *name);

#endif
