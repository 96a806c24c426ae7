/* HTTP/1.1 of one connection (RFC 9112): heads are read strictly (http1_head.h), requests answered
 * one after the other, in the order they came. What is refused with 400, or has a body that no
 * answer takes, is the connection's last. */
#ifndef SERVER_ENGINE_HTTP1_H
#define SERVER_ENGINE_HTTP1_H

#include "server/engine/exchange.h"
#include "server/engine/protocol.h"

/* WOKEN(WOKEN_CONTEXT) is called when it is to be run again though nothing came in. EXCHANGE and
 * CONNECTION are borrowed, and outlive it. */
struct protocol *http1_new(const struct exchange *exchange, struct connection *connection,
                           void (*woken)(void *woken_context), void *woken_context);

#endif
