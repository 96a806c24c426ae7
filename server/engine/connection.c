#include "connection.h"

static void enter(struct connection *connection, enum connection_phase phase, int64_t now_ms)
{
    if (phase > connection->times.phase) {
        connection->times.phase = phase;
        connection->times.since_ms = now_ms;
    }
}

static void count_up(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void connection_count(struct connection *connection, enum connection_end reason)
{
    count_up(&connection->owner->counters.ended[reason]);
}

void connection_count_answer(struct connection *connection, int version, int status)
{
    enum connection_protocol protocol = version >= 0x200   ? PROTOCOL_HTTP_2
                                        : version == 0x100 ? PROTOCOL_HTTP_1_0
                                                           : PROTOCOL_HTTP_1_1;
    size_t place = http_status_place(status);
    if (place < HTTP_STATUSES) {
        count_up(&connection->owner->counters.answers[protocol][place]);
    }
}

const char *connection_protocol_name(enum connection_protocol protocol)
{
    static const char *const NAMES[PROTOCOLS] = {
        [PROTOCOL_HTTP_1_0] = "HTTP/1.0",
        [PROTOCOL_HTTP_1_1] = "HTTP/1.1",
        [PROTOCOL_HTTP_2] = "HTTP/2",
    };
    return NAMES[protocol];
}

void connection_count_handshake(struct connection *connection, enum connection_handshake outcome)
{
    count_up(&connection->owner->counters.handshakes[outcome]);
}

const char *connection_handshake_name(enum connection_handshake outcome)
{
    static const char *const NAMES[CONNECTION_HANDSHAKES] = {
        [HANDSHAKE_DONE] = "done",     [HANDSHAKE_CHALLENGE] = "challenge",
        [HANDSHAKE_CUT] = "cut",       [HANDSHAKE_UNKNOWN_NAME] = "unknown_name",
        [HANDSHAKE_FAILED] = "failed",
    };
    return NAMES[outcome];
}

/* Once for each connection. */
static void count_end(struct connection *connection, enum connection_end reason)
{
    if (connection->times.phase < CONNECTION_LEAVING && reason < CONNECTION_ENDS) {
        connection_count(connection, reason);
    }
}

int64_t connection_header_octets(const struct connection *connection)
{
    const struct settings_limits *limits = &connection->owner->limits;
    return connection->kind == LISTENER_PLAIN ? limits->header_plain_octets : limits->header_octets;
}

void connection_opened(struct connection *connection, bool http2, int64_t now_ms)
{
    connection->times.is_http2 = http2;
    connection->times.idle_ms = now_ms;
    enter(connection, CONNECTION_OPEN, now_ms);
}

void connection_named(struct connection *connection, struct bytes name)
{
    connection->name = (struct dns_name){0};
    if (name.n <= DNS_NAME_MAX) {
        connection->name.n = (unsigned char)name.n;
        memcpy(connection->name.text, name.p, name.n);
    }
}

void connection_tell(struct connection *connection, const struct connection_facts *facts,
                     int64_t now_ms)
{
    struct connection_times *times = &connection->times;
    bool was_incomplete = times->facts.incomplete_ms != 0;
    times->facts = *facts;
    /* Not what is written besides answers: a PING does not begin its time anew. */
    if (connection->answers || was_incomplete || facts->incomplete_ms != 0) {
        times->idle_ms = now_ms;
    }
    if (connection_is_idle(facts)) {
        connection->answers = false;
    }
}

void connection_request_began(struct connection *connection)
{
    connection->requests++;
    connection->under_way++;
    connection->allowed += connection_header_octets(connection);
    connection->times.has_asked = true;
    connection->answers = true;
    count_up(&connection->owner->counters.requests);
}

void connection_request_ended(struct connection *connection)
{
    connection->under_way--;
}

bool connection_is_last(const struct connection *connection, int64_t now_ms)
{
    const struct settings_limits *limits = &connection->owner->limits;
    return connection->requests >= limits->requests_per_connection ||
           now_ms - connection->times.accepted_ms >= limits->connection_age_ms / 4 * 3 ||
           connection->owner->draining || connection->times.phase >= CONNECTION_LEAVING;
}

bool connection_received(struct connection *connection, int64_t octets)
{
    connection->received += octets;
    if (connection->received <= connection->allowed) {
        return true;
    }
    connection_cut(connection, END_FLOOD);
    return false;
}

void connection_expects(struct connection *connection, int64_t octets)
{
    connection->allowed += octets;
}

bool connection_hold(struct connection *connection, int64_t delta)
{
    struct connection_totals *totals = connection->owner->totals;
    const struct settings_limits *limits = &connection->owner->limits;
    connection->held += delta;
    int64_t all = atomic_fetch_add_explicit(&totals->held, delta, memory_order_relaxed) + delta;
    int64_t address = address_book_hold(totals->addresses, &connection->place, delta);
    bool too_much = address > limits->memory_per_address_octets ||
                    (all > limits->memory_octets && connection->held > CONNECTION_SHARE_OCTETS);
    if (delta <= 0 || !too_much) {
        return true;
    }
    connection_cut(connection, END_MEMORY);
    return false;
}

void connection_lingers(struct connection *connection, int64_t now_ms)
{
    enter(connection, CONNECTION_LEAVING, now_ms);
}

void connection_leave(struct connection *connection, enum connection_end reason, int64_t now_ms)
{
    count_end(connection, reason);
    enter(connection, CONNECTION_LEAVING, now_ms);
    connection->owner->goodbye(connection);
}

void connection_cut(struct connection *connection, enum connection_end reason)
{
    if (connection->times.phase != CONNECTION_CUT) {
        count_end(connection, reason);
        connection->times.phase = CONNECTION_CUT;
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}
