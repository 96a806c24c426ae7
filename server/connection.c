#include "connection.h"

#include <sys/socket.h>

#include "server/tls_alert.h"

static struct connection *connection_from_link(h2o_linklist_t *link)
{
    return H2O_STRUCT_FROM_MEMBER(struct connection, link, link);
}

static void count_up(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void connections_init(struct connections *connections, struct connection_totals *totals,
                      const struct settings_limits *limits)
{
    *connections = (struct connections){.totals = totals, .limits = *limits};
    h2o_linklist_init_anchor(&connections->list);
}

bool connections_have_room(const struct connections *connections)
{
    return atomic_load_explicit(&connections->totals->current, memory_order_relaxed) <
           connections->limits.connections;
}

static void on_close(void *data)
{
    struct connection *connection = data;
    struct connections *connections = connection->owner;
    h2o_linklist_unlink(&connection->link);
    connections->count--;
    address_count_leave(connections->totals->addresses, connection->address_ticket);
    atomic_fetch_sub_explicit(&connections->totals->current, 1, memory_order_relaxed);
    free(connection);
    if (connections->room != NULL) {
        connections->room(connections->room_context);
    }
}

struct connection *connection_add(struct connections *connections, h2o_socket_t *socket,
                                  enum listener_kind kind, int64_t now_ms)
{
    uint32_t ticket = 0;
    struct sockaddr_storage peer;
    /* Behind a proxy all clients are one address. */
    if (kind != LISTENER_PLAIN && h2o_socket_getpeername(socket, (struct sockaddr *)&peer) != 0 &&
        !address_count_enter(connections->totals->addresses, (struct sockaddr *)&peer,
                             connections->limits.connections_per_address, &ticket)) {
        count_up(&connections->counters.refused);
        h2o_socket_close(socket);
        return NULL;
    }
    struct connection *connection = memory_zero(1, sizeof(*connection));
    connection->owner = connections;
    connection->socket = socket;
    connection->kind = kind;
    connection->accepted_ms = now_ms;
    connection->address_ticket = ticket;
    h2o_linklist_insert(&connections->list, &connection->link);
    connections->count++;
    count_up(&connections->counters.accepted);
    atomic_fetch_add_explicit(&connections->totals->current, 1, memory_order_relaxed);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    return connection;
}

struct connection *connection_of(h2o_socket_t *socket)
{
    return socket->on_close.data;
}

struct connection *connection_of_request(const h2o_req_t *req)
{
    return connection_of(req->conn->callbacks->get_socket(req->conn));
}

void connection_named(h2o_socket_t *socket, struct bytes name, void *context)
{
    (void)context;
    struct connection *connection = connection_of(socket);
    connection->name = (struct dns_name){0};
    if (name.n <= DNS_NAME_MAX) {
        connection->name.n = (unsigned char)name.n;
        memcpy(connection->name.text, name.p, name.n);
    }
}

void connection_meter(int is_write, int version, int content_type, const void *octets,
                      size_t length, SSL *ssl, void *context)
{
    (void)version;
    (void)context;
    h2o_socket_t *socket = tls_alert_socket(ssl);
    if (is_write || content_type != SSL3_RT_HEADER || length < SSL3_RT_HEADER_LENGTH ||
        socket == NULL) {
        return;
    }
    const unsigned char *header = octets; /* RFC 8446 §5.1: type, version, length */
    struct connection *connection = connection_of(socket);
    const struct settings_limits *limits = &connection->owner->limits;
    connection->received += header[3] << 8 | header[4];
    if (connection->received > limits->header_octets + CONNECTION_SLACK_OCTETS +
                                   connection->requests * CONNECTION_REQUEST_OCTETS) {
        connection_cut(connection);
    }
}

void connection_opened(struct connection *connection, bool http2, int64_t now_ms)
{
    connection->state = http2 ? CONNECTION_HTTP2 : CONNECTION_HTTP1;
    connection->quiet_ms = now_ms;
}

/* No more requests are wanted, what was asked is still answered. */
static void shut_reading(struct connection *connection, int64_t now_ms)
{
    if (connection->shut_ms == 0) {
        connection->shut_ms = now_ms;
        shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
    }
}

void connection_cut(struct connection *connection)
{
    if (!connection->is_cut) {
        connection->is_cut = true;
        shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
    }
}

void connection_request_began(struct connection *connection, h2o_req_t *req, int64_t now_ms)
{
    const struct settings_limits *limits = &connection->owner->limits;
    connection->requests++;
    connection->under_way++;
    connection->receiving_ms = 0;
    connection->quiet_ms = now_ms;
    count_up(&connection->owner->counters.requests);

    bool last = connection->requests >= limits->requests_per_connection ||
                now_ms - connection->accepted_ms >= limits->connection_age_ms / 4 * 3;
    if (!last) {
        return;
    }
    if (connection->state == CONNECTION_HTTP2) {
        /* h2o's GOAWAY is for all connections at once. What was already received is answered, as
         * far as one set of streams; who goes on all the same is cut. */
        shut_reading(connection, now_ms);
        if (connection->requests > limits->requests_per_connection + limits->concurrent_streams) {
            connection_cut(connection);
        }
    } else {
        req->http1_is_persistent = 0;
    }
}

void connection_request_ended(struct connection *connection, int64_t now_ms)
{
    if (connection->under_way != 0) { /* h2o answers some broken requests without asking us */
        connection->under_way--;
    }
    connection->quiet_ms = now_ms;
}

static bool is_over(struct connection *connection, int64_t now_ms)
{
    const struct settings_limits *limits = &connection->owner->limits;
    int64_t quiet_ms = now_ms - connection->quiet_ms;
    if (now_ms - connection->accepted_ms >= limits->connection_age_ms) {
        return true;
    }
    if (connection->under_way != 0) {
        return false;
    }
    if (connection->state == CONNECTION_HTTP2) {
        int64_t longer =
            limits->idle_ms > limits->request_ms ? limits->idle_ms : limits->request_ms;
        return quiet_ms >= longer;
    }
    if (connection->socket->input->size == 0) {
        connection->receiving_ms = 0;
        return quiet_ms >= limits->idle_ms ||
               (connection->owner->draining &&
                (connection->requests != 0 || quiet_ms >= CONNECTION_FIRST_MS));
    }
    if (connection->receiving_ms == 0) {
        connection->receiving_ms = now_ms;
    }
    return now_ms - connection->receiving_ms >= limits->request_ms;
}

static bool has_too_much(const struct connection *connection)
{
    return connection->state == CONNECTION_HTTP1 && connection->under_way == 0 &&
           connection->socket->input->size > (size_t)connection->owner->limits.header_octets;
}

static void sweep_one(struct connection *connection, int64_t now_ms)
{
    if (connection->state == CONNECTION_HANDSHAKE) {
        const struct connections *connections = connection->owner;
        int64_t age_ms = now_ms - connection->accepted_ms;
        if (age_ms >= connections->limits.handshake_ms ||
            (connections->draining && age_ms >= CONNECTION_FIRST_MS)) {
            connection_cut(connection);
        }
    } else if (has_too_much(connection) ||
               (connection->shut_ms != 0 && now_ms - connection->shut_ms >= CONNECTION_GRACE_MS)) {
        connection_cut(connection);
    } else if (is_over(connection, now_ms)) {
        shut_reading(connection, now_ms);
    }
}

void connections_sweep(struct connections *connections, int64_t now_ms)
{
    /* shutdown(2) calls nothing back: the list stays as it is meanwhile. */
    for (h2o_linklist_t *link = connections->list.next; link != &connections->list;
         link = link->next) {
        sweep_one(connection_from_link(link), now_ms);
    }
}

void connections_evict(struct connections *connections, int64_t now_ms)
{
    size_t wanted = connections->count / 16 + 1;
    for (h2o_linklist_t *link = connections->list.next; link != &connections->list;
         link = link->next) {
        struct connection *connection = connection_from_link(link);
        if (wanted == 0 || now_ms - connection->accepted_ms < CONNECTION_EVICT_MS) {
            return; /* all that follow are younger */
        }
        if (connection->under_way == 0) {
            connection_cut(connection);
            wanted--;
        }
    }
}

void connections_cut_all(struct connections *connections)
{
    for (h2o_linklist_t *link = connections->list.next; link != &connections->list;
         link = link->next) {
        connection_cut(connection_from_link(link));
    }
}
