/* Sockets to one DNS server, with a deadline for everything. All failures are ERROR_RETRY. */
#ifndef LIB_DNS_SOCKET_H
#define LIB_DNS_SOCKET_H

#include <stdint.h>

#include "lib/dns/exchange.h"

enum { DNS_MESSAGE_MAX = 65535 }; /* by TCP's length (RFC 1035 §4.2.2) */

/* A socket of TYPE that only SERVER's packets come through; TCP's connection may still be under
 * way. Negative: it cannot be reached, and errno says why. */
int dns_socket_connect(const struct dns_server *server, int type);

/* What errno says about SERVER. */
bool dns_socket_fail(const struct dns_server *server, struct error *e);

/* A conversation under way. */
struct dns_socket {
    const struct dns_server *server; /* borrowed */
    int fd;
    int64_t deadline_ms; /* by clock_monotonic_ms() */
};

/* Waits for poll(2)'s EVENTS until the deadline. */
bool dns_socket_wait(const struct dns_socket *socket, short events, struct error *e) MUST_USE;

/* Moves all N octets over TCP. */
bool dns_socket_send(const struct dns_socket *socket, const uint8_t *octets, size_t n,
                     struct error *e) MUST_USE;
bool dns_socket_receive(const struct dns_socket *socket, uint8_t *octets, size_t n, struct error *e)
    MUST_USE;

/* What comes is acknowledged at once for a while: for who has nothing more to send, and a server
 * that waits for it before it sends more. */
void dns_socket_acknowledge(const struct dns_socket *socket);

/* The next message over TCP, without its length. RET_OCTETS has room for DNS_MESSAGE_MAX. */
bool dns_socket_receive_message(const struct dns_socket *socket, uint8_t *ret_octets, size_t *ret_n,
                                struct error *e) MUST_USE;

#endif
