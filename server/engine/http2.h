/* HTTP/2 of one connection (RFC 9113), by libnghttp2.
 *
 * What a request is answered is found when its head is complete, so that nothing of it need be
 * kept, and sent when its body is, or has become longer than anyone needs (RFC 9113 §8.1). Input is
 * taken in small pieces with the answers between, so that a burst of requests is never more streams
 * at a time than were granted.
 *
 * Bounds: limits.concurrent_streams, .header (announced; more ends the connection) and
 * .requests_per_connection (GOAWAY); nghttp2's own on resets, SETTINGS, acknowledgements and
 * CONTINUATIONs; HTTP2_FAULTS_MAX streams that we had to reset; and all memory that the library and
 * the answers take is held for the connection (connection_hold). A Host that names another than
 * :authority makes a request malformed (§8.3.1). */
#ifndef SERVER_ENGINE_HTTP2_H
#define SERVER_ENGINE_HTTP2_H

#include "server/engine/exchange.h"
#include "server/engine/protocol.h"

enum { HTTP2_FAULTS_MAX = 16 };

/* What is the same for all connections of a worker. */
struct http2_library;
struct http2_library *http2_library_new(void);
/* No connection may be left. NULL is fine. */
void http2_library_free(struct http2_library *library);

/* As http1_new. Its first run puts SETTINGS out. */
struct protocol *http2_new(struct http2_library *library, const struct exchange *exchange,
                           struct connection *connection, void (*woken)(void *woken_context),
                           void *woken_context);

#endif
