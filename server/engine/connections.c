#include "connections.h"

void connections_init(struct connections *connections, struct connection_totals *totals,
                      const struct settings_limits *limits,
                      void (*goodbye)(struct connection *connection))
{
    *connections = (struct connections){.totals = totals, .limits = *limits, .goodbye = goodbye};
    TAILQ_INIT(&connections->list);
}

static int64_t now_held(const _Atomic int64_t *total)
{
    return atomic_load_explicit(total, memory_order_relaxed);
}

bool connections_have_room(const struct connections *connections)
{
    return now_held(&connections->totals->current) < connections->limits.connections;
}

/* A place for its address. */
static bool takes_place(struct connections *connections, struct connection *connection,
                        int64_t now_ms)
{
    static const enum connection_end reasons[] = {
        [ADDRESS_FULL] = END_ADDRESS_FULL,
        [ADDRESS_NETWORK_FULL] = END_NETWORK_FULL,
        [ADDRESS_HANDSHAKES] = END_HANDSHAKES,
    };
    enum address_verdict verdict = address_book_enter(
        connections->totals->addresses, (const struct sockaddr *)&connection->peer,
        &connections->limits, connection->kind == LISTENER_HTTPS, now_ms, &connection->place);
    if (verdict != ADDRESS_ADMITTED) {
        connection_count(connection, reasons[verdict]);
    }
    return verdict == ADDRESS_ADMITTED;
}

/* Before anything is read. */
static bool is_let_in(struct connections *connections, struct connection *connection,
                      int64_t now_ms)
{
    const struct sockaddr *peer = (const struct sockaddr *)&connection->peer;
    const struct settings_listen_terms *terms = connection->terms;
    if (connections->from != NULL && !address_is_from(connections->from, peer)) {
        return false; /* the counters are for clients */
    }
    if (terms != NULL && terms->proxy) { /* it is the client's, whom the header tells */
        bool trusted = address_is_in(&terms->proxy_from, peer);
        if (!trusted) {
            connection_count(connection, END_PROXY);
        }
        return trusted;
    }
    /* Behind a proxy that tells nothing all clients are one address. */
    return connection->kind == LISTENER_PLAIN || connection->kind == LISTENER_ADMIN ||
           peer->sa_family == AF_UNSPEC || takes_place(connections, connection, now_ms);
}

bool connections_introduce(struct connection *connection, const struct sockaddr_storage *client,
                           int64_t now_ms)
{
    if (client->ss_family == AF_UNSPEC) {
        return true;
    }
    connection->peer = *client;
    return takes_place(connection->owner, connection, now_ms);
}

bool connections_add(struct connections *connections, struct connection *connection, int64_t now_ms)
{
    connection->owner = connections;
    if (!is_let_in(connections, connection, now_ms)) {
        return false;
    }
    connection->times.accepted_ms = connection->times.since_ms = now_ms;
    connection->allowed = CONNECTION_SLACK_OCTETS + connection_header_octets(connection);
    TAILQ_INSERT_TAIL(&connections->list, connection, link);
    connections->count++;
    atomic_fetch_add_explicit(&connections->counters.accepted, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&connections->totals->current, 1, memory_order_relaxed);
    return true;
}

void connections_remove(struct connection *connection)
{
    struct connections *connections = connection->owner;
    (void)connection_hold(connection, -connection->held);
    TAILQ_REMOVE(&connections->list, connection, link);
    connections->count--;
    address_book_leave(connections->totals->addresses, &connection->place);
    atomic_fetch_sub_explicit(&connections->totals->current, 1, memory_order_relaxed);
}

static void sweep_one(struct connection *connection, int64_t now_ms)
{
    const struct connections *connections = connection->owner;
    struct connection_verdict verdict =
        connection_judge(&connection->times, &connections->limits, connections->draining, now_ms);
    if (verdict.fate == CONNECTION_IS_TO_BE_CUT) {
        connection_cut(connection, verdict.reason);
    } else if (verdict.fate == CONNECTION_IS_TO_LEAVE) {
        connection_leave(connection, verdict.reason, now_ms);
    } else if (connection->times.phase >= CONNECTION_LEAVING) {
        connections->goodbye(connection);
    }
}

static void tell_ranks(struct connections *connections, const int64_t ranked[CONNECTION_RANKS])
{
    for (int rank = 0; rank < CONNECTION_RANKS; rank++) {
        atomic_fetch_add_explicit(&connections->totals->ranked[rank],
                                  ranked[rank] - connections->ranked[rank], memory_order_relaxed);
        connections->ranked[rank] = ranked[rank];
    }
}

void connections_sweep(struct connections *connections, int64_t now_ms)
{
    struct connection *connection = NULL;
    int64_t ranked[CONNECTION_RANKS] = {0};
    TAILQ_FOREACH (connection, &connections->list, link) {
        sweep_one(connection, now_ms);
        ranked[connection_rank(&connection->times, &connections->limits, now_ms)]++;
    }
    tell_ranks(connections, ranked);
    if (!connections->draining) {
        connections_make_room(connections, now_ms);
    }
}

static void evict(struct connections *connections, enum connection_rank rank, int64_t now_ms)
{
    size_t wanted = connections->count / 16 + 1;
    struct connection *connection = NULL;
    TAILQ_FOREACH (connection, &connections->list, link) {
        if (wanted == 0 || now_ms - connection->times.accepted_ms < CONNECTION_EVICT_MS) {
            return; /* all that follow are younger */
        }
        if (connection_rank(&connection->times, &connections->limits, now_ms) == rank) {
            connection_cut(connection, END_ROOM);
            wanted--;
        }
    }
}

static int64_t most_held(const struct connections *connections)
{
    int64_t most = 0;
    const struct connection *connection = NULL;
    TAILQ_FOREACH (connection, &connections->list, link) {
        if (connection->times.phase != CONNECTION_CUT && connection->held > most) {
            most = connection->held;
        }
    }
    return most;
}

static void free_memory(struct connections *connections)
{
    size_t wanted = connections->count / 16 + 1;
    int64_t much = most_held(connections) / 2;
    struct connection *connection = NULL;
    TAILQ_FOREACH (connection, &connections->list, link) {
        if (wanted != 0 && connection->held > much && connection->times.phase != CONNECTION_CUT) {
            connection_cut(connection, END_MEMORY);
            wanted--;
        }
    }
}

void connections_make_room(struct connections *connections, int64_t now_ms)
{
    const struct connection_totals *totals = connections->totals;
    if (now_held(&totals->held) > connections->limits.memory_octets) {
        free_memory(connections);
    }
    enum connection_rank rank = RANK_UNREAD;
    while (rank > RANK_STAYS && now_held(&totals->ranked[rank]) == 0) {
        rank--;
    }
    if (rank != RANK_STAYS && now_held(&totals->paused) != 0) {
        evict(connections, rank, now_ms);
    }
}

void connections_cut_all(struct connections *connections)
{
    struct connection *connection = NULL;
    TAILQ_FOREACH (connection, &connections->list, link) {
        connection_cut(connection, END_DRAIN);
    }
}
