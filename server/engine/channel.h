/* A connection's socket, and the protocol that is spoken on it: after the TLS handshake ALPN
 * chooses HTTP/2 or HTTP/1.1, both ours; of h2o are the loop, the sockets and TLS over them.
 *
 *     channel_open(&house, socket, LISTENER_HTTPS)    … closes and frees itself
 *
 * One write is under way at a time, and meanwhile nothing is read and nothing is run. */
#ifndef SERVER_ENGINE_CHANNEL_H
#define SERVER_ENGINE_CHANNEL_H

#include <h2o.h>

#include "server/engine/connections.h"
#include "server/engine/exchange.h"
#include "server/engine/http2.h"
#include "server/engine/tls.h"

/* What the channels of one worker share. */
struct channel_house {
    struct connections connections;
    struct exchange exchange;
    struct http2_library *http2;
    struct tls_context *tls;
    struct buffer scratch; /* what the protocol that runs puts out */
};

/* Takes a just accepted SOCKET over; TERMS (may be NULL) outlive it. */
void channel_open(struct channel_house *house, h2o_socket_t *socket, enum listener_kind kind,
                  const struct settings_listen_terms *terms);

/* For connections_init. */
void channel_say_goodbye(struct connection *connection);

/* For struct tls_options: the client of SSL asks for NAME. */
void channel_named(SSL *ssl, struct bytes name, void *context);
/* … and that there is no certificate for what it asks. */
void channel_unknown(SSL *ssl);
/* For SSL_CTX_set_msg_callback: octets are counted where TLS records come in
 * (connection_received). */
void channel_meter(int is_write, int version, int content_type, const void *octets, size_t length,
                   SSL *ssl, void *context);

#endif
