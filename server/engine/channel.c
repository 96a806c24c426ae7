#include "channel.h"

#include <netinet/tcp.h>

#include "lib/base/clock.h"
#include "server/engine/http1.h"
#include "server/engine/proxy_header.h"
#include "server/engine/tls_alert.h"
#include "server/engine/tls_alpn_challenge.h"

enum {
    LINGER_OCTETS = 256 * 1024, /* that are read away after the last answer */
    SMALL_OCTETS = 8 * 1024,    /* of buffers: no more than an idle connection has anyway */
    INPUT_MAX = 32 * 1024,      /* what is read beyond a head while a protocol takes none */
};

/* In the order in which they come: it is looked at. */
enum channel_state {
    CHANNEL_IS_INTRODUCED, /* awaits its proxy's header */
    CHANNEL_SHAKES_HANDS,
    CHANNEL_TALKS,
    CHANNEL_ENDS,    /* closes when all is written */
    CHANNEL_LINGERS, /* the same, and reads away what the client still sends */
    CHANNEL_CLOSES,
};

struct channel {
    struct connection connection; /* first: connections know it alone */
    struct channel_house *house;
    h2o_socket_t *socket;
    SSL *ssl;                  /* NULL: without TLS, or not known yet */
    struct protocol *protocol; /* NULL: not yet, or no more */
    enum channel_state state;
    bool no_name;       /* the handshake asks for none that has a certificate */
    bool has_ended;     /* the client sends no more */
    struct buffer out;  /* without TLS: what is being written */
    int64_t written_ms; /* when the write that is under way began */
    int64_t held;       /* octets of buffers, as told to the connection */
};

static struct channel *channel_of(h2o_socket_t *socket)
{
    return socket->on_close.data;
}

static void proceed(struct channel *channel);
static void on_readable(h2o_socket_t *socket, const char *err);

/* --- The end --- */

static void on_close(void *data)
{
    struct channel *channel = data;
    connections_remove(&channel->connection);
    buffer_clear(&channel->out);
    free(channel);
}

static void end_protocol(struct channel *channel)
{
    if (channel->protocol != NULL) {
        channel->protocol->kind->free(channel->protocol);
        channel->protocol = NULL;
    }
}

/* CHANNEL may be gone afterwards. */
static void close_channel(struct channel *channel)
{
    channel->state = CHANNEL_CLOSES;
    end_protocol(channel);
    h2o_socket_read_stop(channel->socket);
    h2o_socket_close(channel->socket);
}

/* The client has closed, or said that it will send no more (after which OpenSSL reads nothing, and
 * h2o would keep what comes). What it is owed it still gets. */
static bool sees_end(struct channel *channel)
{
    channel->has_ended |=
        channel->ssl != NULL && (SSL_get_shutdown(channel->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    return channel->has_ended;
}

/* RFC 9112 §9.6: the writing side first; the rest when the client has left, or soon. CHANNEL may be
 * gone afterwards. */
static void linger(struct channel *channel)
{
    if (sees_end(channel)) {
        close_channel(channel);
        return;
    }
    end_protocol(channel);
    connection_tell(&channel->connection, &(struct connection_facts){0},
                    channel->house->exchange.now_ms());
    if (channel->ssl != NULL) {
        tls_say_goodbye(channel->house->tls, channel->ssl);
    }
    (void)shutdown(channel->connection.fd, SHUT_WR);
    connection_lingers(&channel->connection, clock_monotonic_ms());
    connection_expects(&channel->connection, LINGER_OCTETS);
    h2o_buffer_consume(&channel->socket->input, channel->socket->input->size);
    if (!h2o_socket_is_reading(channel->socket)) {
        h2o_socket_read_start(channel->socket, on_readable);
    }
}

/* --- Writing --- */

/* What the kernel does not take at once waits in buffers of ours. */
static void hold_buffers(struct channel *channel, size_t octets)
{
    int64_t held = octets > SMALL_OCTETS ? (int64_t)octets : 0;
    if (held != channel->held) {
        (void)connection_hold(&channel->connection, held - channel->held);
        channel->held = held;
    }
}

/* What is being written waits, too. */
static void tell(struct channel *channel)
{
    int64_t now_ms = channel->house->exchange.now_ms();
    struct connection_facts facts = channel->protocol->facts;
    if (facts.unread_ms == 0 && h2o_socket_is_writing(channel->socket)) {
        facts.unread_ms = channel->written_ms;
    }
    connection_tell(&channel->connection, &facts, now_ms);
}

static void on_written(h2o_socket_t *socket, const char *err)
{
    struct channel *channel = channel_of(socket);
    if (err != NULL) {
        close_channel(channel);
        return;
    }
    if (channel->out.p != NULL && channel->house->scratch.p == NULL) {
        buffer_reset(&channel->out);
        channel->house->scratch = channel->out;
        channel->out = (struct buffer){0};
    }
    buffer_clear(&channel->out);
    tell(channel);
    if (channel->state == CHANNEL_ENDS) {
        close_channel(channel);
    } else if (channel->state == CHANNEL_LINGERS) {
        linger(channel);
    } else {
        proceed(channel);
    }
}

/* Where the connection ends with this answer, as every fetch of a sender does: the kernel keeps the
 * answer until TLS's close_notify and the end follow, which h2o writes at once, and sends all of it
 * as one segment instead of three. */
static void expect_close(const struct channel *channel)
{
    static const int on = 1;
    (void)setsockopt(channel->connection.fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static void write_scratch(struct channel *channel)
{
    struct buffer *scratch = &channel->house->scratch;
    h2o_iovec_t all = {scratch->p, scratch->n};
    if (channel->state == CHANNEL_ENDS) {
        expect_close(channel);
    }
    if (h2o_socket_is_reading(channel->socket)) {
        h2o_socket_read_stop(channel->socket);
    }
    hold_buffers(channel, channel->socket->input->capacity + all.len);
    channel->written_ms = channel->house->exchange.now_ms();
    h2o_socket_write(channel->socket, &all, 1, on_written);
    tell(channel);
    if (channel->connection.kind == LISTENER_HTTPS) {
        buffer_reset(scratch); /* over TLS h2o has encrypted it, hence a copy */
    } else {
        channel->out = *scratch;
        *scratch = BUFFER(PROTOCOL_OUT_CAP);
    }
}

/* --- Reading --- */

/* Lets the protocol take what there is, until it wants more or has put out enough. */
static enum protocol_next run_protocol(struct channel *channel)
{
    struct buffer *scratch = &channel->house->scratch;
    enum protocol_next next = PROTOCOL_GOES_ON;
    size_t taken = 0;
    do {
        const h2o_buffer_t *input = channel->socket->input;
        next = channel->protocol->kind->run(
            channel->protocol, (struct bytes){input->bytes, input->size}, &taken, scratch);
        if (taken != 0) {
            h2o_buffer_consume(&channel->socket->input, taken);
        }
    } while (next == PROTOCOL_GOES_ON && taken != 0 && scratch->n < PROTOCOL_OUT_MAX);
    return scratch->overflow ? PROTOCOL_BREAKS : next;
}

/* CHANNEL may be gone afterwards. */
static void read_on(struct channel *channel)
{
    size_t max = INPUT_MAX + (size_t)connection_header_octets(&channel->connection);
    bool wants = channel->socket->input->size < max;
    hold_buffers(channel, channel->socket->input->capacity);
    tell(channel);
    if (sees_end(channel)) {
        h2o_socket_read_stop(channel->socket);
        if (!channel->protocol->facts.owes) {
            close_channel(channel);
        }
    } else if (wants && !h2o_socket_is_reading(channel->socket)) {
        h2o_socket_read_start(channel->socket, on_readable);
    } else if (!wants && h2o_socket_is_reading(channel->socket)) {
        h2o_socket_read_stop(channel->socket);
    }
}

/* CHANNEL may be gone afterwards. */
static void proceed(struct channel *channel)
{
    if (h2o_socket_is_writing(channel->socket)) {
        return; /* on_written goes on */
    }
    enum protocol_next next = run_protocol(channel);
    if (next == PROTOCOL_BREAKS || channel->connection.times.phase == CONNECTION_CUT) {
        buffer_clear(&channel->house->scratch);
        channel->house->scratch = BUFFER(PROTOCOL_OUT_CAP);
        close_channel(channel);
        return;
    }
    if (next != PROTOCOL_GOES_ON) {
        channel->state = next == PROTOCOL_ENDS ? CHANNEL_ENDS : CHANNEL_LINGERS;
    }
    if (channel->house->scratch.n != 0) {
        write_scratch(channel);
    } else if (channel->state == CHANNEL_TALKS) {
        read_on(channel);
    } else if (channel->state == CHANNEL_LINGERS) {
        linger(channel);
    } else {
        close_channel(channel);
    }
}

static void on_readable(h2o_socket_t *socket, const char *err)
{
    struct channel *channel = channel_of(socket);
    channel->has_ended |= err == h2o_socket_error_closed;
    if ((err != NULL && !channel->has_ended) || channel->connection.times.phase == CONNECTION_CUT ||
        (channel->state == CHANNEL_LINGERS && sees_end(channel))) {
        close_channel(channel);
    } else if (channel->state == CHANNEL_LINGERS) {
        h2o_buffer_consume(&socket->input, socket->input->size);
    } else {
        proceed(channel);
    }
}

static void on_woken(void *context)
{
    struct channel *channel = context;
    if (channel->state == CHANNEL_TALKS) {
        proceed(channel);
    }
}

/* A connection that was cut ends with what is read or written next: one of the two must be awaited.
 */
static void see_end(struct channel *channel)
{
    if (channel->state != CHANNEL_CLOSES && channel->state > CHANNEL_SHAKES_HANDS &&
        !h2o_socket_is_writing(channel->socket) && !h2o_socket_is_reading(channel->socket)) {
        h2o_socket_read_start(channel->socket, on_readable);
    }
}

void channel_say_goodbye(struct connection *connection)
{
    struct channel *channel = (struct channel *)connection;
    if (connection->times.phase == CONNECTION_CUT) {
        see_end(channel);
        return;
    }
    if (channel->state != CHANNEL_TALKS) {
        return;
    }
    if (!channel->protocol->kind->goodbye(channel->protocol)) {
        (void)shutdown(connection->fd, SHUT_RD);
    } else if (!h2o_socket_is_writing(channel->socket)) {
        /* Nothing is closed here, where the list is being walked. */
        size_t taken = 0;
        enum protocol_next next = channel->protocol->kind->run(
            channel->protocol, (struct bytes){"", 0}, &taken, &channel->house->scratch);
        if (channel->house->scratch.n != 0) {
            write_scratch(channel); /* on_written sees what comes of it */
        } else if (next != PROTOCOL_GOES_ON) {
            connection_cut(connection, CONNECTION_ENDS);
        }
    }
}

/* --- The beginning --- */

static void start(struct channel *channel, bool http2)
{
    struct channel_house *house = channel->house;
    struct connection *connection = &channel->connection;
    connection_opened(connection, http2, clock_monotonic_ms());
    channel->state = CHANNEL_TALKS;
    channel->protocol =
        http2 ? http2_new(house->http2, &house->exchange, connection, on_woken, channel)
              : http1_new(&house->exchange, connection, on_woken, channel);
    proceed(channel); /* the handshake may have read more than itself */
}

/* The client's Finished was small, and a client without TCP_NODELAY keeps its request until it is
 * acknowledged: the kernel would wait 40 ms for something of ours to go with it. HTTP/2 has its
 * SETTINGS. */
static void acknowledge(const struct channel *channel)
{
    static const int on = 1;
    (void)setsockopt(channel->connection.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static enum connection_handshake outcome(const struct channel *channel, const char *err,
                                         bool is_challenge)
{
    if (err == NULL) {
        return is_challenge ? HANDSHAKE_CHALLENGE : HANDSHAKE_DONE;
    }
    if (channel->connection.times.phase == CONNECTION_CUT) {
        return HANDSHAKE_CUT;
    }
    return channel->no_name ? HANDSHAKE_UNKNOWN_NAME : HANDSHAKE_FAILED;
}

static void on_handshake(h2o_socket_t *socket, const char *err)
{
    struct channel *channel = channel_of(socket);
    h2o_iovec_t protocol =
        err == NULL ? h2o_socket_ssl_get_selected_protocol(socket) : (h2o_iovec_t){NULL, 0};
    bool is_challenge =
        h2o_memis(protocol.base, protocol.len, H2O_STRLIT(TLS_ALPN_CHALLENGE_PROTOCOL));
    connection_count_handshake(&channel->connection, outcome(channel, err, is_challenge));
    if (err != NULL || is_challenge) { /* RFC 8737 §4: no application data is exchanged */
        close_channel(channel);
        return;
    }
    bool http2 = h2o_memis(protocol.base, protocol.len, H2O_STRLIT("h2"));
    if (!http2 && socket->input->size == 0) {
        acknowledge(channel);
    }
    start(channel, http2);
}

/* It is known whose connection it is. */
static void begin(struct channel *channel)
{
    if (channel->connection.kind == LISTENER_HTTPS) {
        /* Not h2o_accept: the protocol chosen is for us to see. What was read behind a proxy's
         * header is the handshake's. */
        channel->state = CHANNEL_SHAKES_HANDS;
        h2o_socket_ssl_handshake(channel->socket, tls_context_ssl(channel->house->tls), NULL,
                                 on_handshake);
    } else {
        start(channel, false);
    }
}

/* Takes the header, once it is whole, and nothing of what follows. */
static void on_introduction(h2o_socket_t *socket, const char *err)
{
    struct channel *channel = channel_of(socket);
    struct connection *connection = &channel->connection;
    struct proxy_header header;
    if (err != NULL || connection->times.phase == CONNECTION_CUT) {
        close_channel(channel);
        return;
    }
    switch (proxy_header_read((struct bytes){socket->input->bytes, socket->input->size}, &header)) {
    case PROXY_HEADER_IS_CUT:
        return;
    case PROXY_HEADER_IS_NONE:
        connection_count(connection, END_PROXY);
        close_channel(channel);
        return;
    case PROXY_HEADER_IS_WHOLE:
        break;
    }
    h2o_socket_read_stop(socket);
    h2o_buffer_consume(&socket->input, header.octets);
    if (connections_introduce(connection, &header.client, clock_monotonic_ms())) {
        begin(channel);
    } else {
        close_channel(channel);
    }
}

void channel_open(struct channel_house *house, h2o_socket_t *socket, enum listener_kind kind,
                  const struct settings_listen_terms *terms)
{
    struct channel *channel = memory_zero(1, sizeof(*channel));
    channel->house = house;
    channel->socket = socket;
    channel->connection.kind = kind;
    channel->connection.terms = terms;
    channel->connection.fd = h2o_socket_get_fd(socket);
    /* Not h2o's getpeername, which keeps a copy. */
    socklen_t length = sizeof(channel->connection.peer);
    (void)getpeername(channel->connection.fd, (struct sockaddr *)&channel->connection.peer,
                      &length);
    if (!connections_add(&house->connections, &channel->connection, clock_monotonic_ms())) {
        free(channel);
        h2o_socket_close(socket);
        return;
    }
    socket->on_close.cb = on_close;
    socket->on_close.data = channel;
    if (terms != NULL && terms->proxy) {
        channel->state = CHANNEL_IS_INTRODUCED;
        h2o_socket_read_start(socket, on_introduction);
    } else {
        begin(channel);
    }
}

/* --- What TLS tells --- */

void channel_named(SSL *ssl, struct bytes name, void *context)
{
    (void)context;
    h2o_socket_t *socket = tls_alert_socket(ssl);
    if (socket != NULL) {
        struct channel *channel = channel_of(socket);
        channel->ssl = ssl;
        connection_named(&channel->connection, name);
    }
}

void channel_unknown(SSL *ssl)
{
    h2o_socket_t *socket = tls_alert_socket(ssl);
    if (socket != NULL) {
        channel_of(socket)->no_name = true;
    }
}

/* NOLINTNEXTLINE(readability-function-size): OpenSSL's type */
void channel_meter(int is_write, int version, int content_type, const void *octets, size_t length,
                   SSL *ssl, void *context)
{
    (void)version;
    (void)context;
    h2o_socket_t *socket = tls_alert_socket(ssl);
    if (!is_write && content_type == SSL3_RT_HEADER && length >= SSL3_RT_HEADER_LENGTH &&
        socket != NULL) {
        const unsigned char *header = octets; /* RFC 8446 §5.1: type, version, length */
        (void)connection_received(&channel_of(socket)->connection, header[3] << 8 | header[4]);
    }
}
