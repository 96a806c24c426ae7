/* The connections of one worker, oldest first, and every limit on how many and how long.
 *
 * h2o has no write timeout, its timers follow the wall clock, and what it calls idle a PING resets.
 * So one mechanism of our own holds all times: connections_sweep, called every
 * CONNECTION_SWEEP_MS, looks at each connection and ends what is over time by shutdown(2) of its
 * socket, which h2o sees as the peer's leaving. First the reading side, so that what is being sent
 * still arrives, CONNECTION_GRACE_MS later both.
 *
 *     handshake          limits.handshake after accept
 *     waiting            limits.idle after the last request (or the handshake)
 *     receiving          limits.request after the request's first octets were seen
 *     HTTP/2             the longer of these two without a complete request, whatever else is sent
 *     any                limits.connection_age after accept; from three quarters of it on, answers
 *                        say `Connection: close`, so that a busy proxy loses no request
 *     header fields      more than limits.header_octets not yet complete: ended at the next sweep
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdatomic.h>
#include <sys/time.h>

#include <h2o.h>

#include "config/settings.h"
#include "dns/name.h"
#include "server/address_count.h"
#include "server/listener.h"

enum {
    CONNECTION_SWEEP_MS = 250,
    CONNECTION_GRACE_MS = 500,
    CONNECTION_EVICT_MS = 1000,
    CONNECTION_SLACK_OCTETS = 8 * 1024,   /* handshake, SETTINGS, a small body */
    CONNECTION_REQUEST_OCTETS = 2 * 1024, /* for each request more */
    CONNECTION_FIRST_MS = 1000, /* while draining: for the handshake, then for the first request */
};

/* What all workers share. */
struct connection_totals {
    _Atomic int64_t current;
    struct address_count *addresses;
};

/* Written by one worker, read by anyone. */
struct connection_counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t refused; /* over connections_per_address */
    _Atomic uint64_t requests;
};

struct connection {
    h2o_linklist_t link;
    struct connections *owner;
    h2o_socket_t *socket;
    enum listener_kind kind;
    enum { CONNECTION_HANDSHAKE, CONNECTION_HTTP1, CONNECTION_HTTP2 } state;
    int64_t accepted_ms;
    int64_t quiet_ms;     /* since when no request was completed */
    int64_t receiving_ms; /* since when part of a request is there; 0: none */
    int64_t shut_ms;      /* when the reading side was shut; 0: not */
    bool is_cut;
    int64_t received; /* octets of TLS records */
    uint32_t address_ticket;
    int64_t requests;
    unsigned under_way; /* requests taken and not yet answered to the end */
    struct timeval connected_at;
    struct dns_name name; /* what the TLS handshake asked for; n is 0 without */
};

struct connections {
    h2o_linklist_t list; /* of struct connection, oldest first */
    size_t count;
    struct connection_totals *totals;
    struct connection_counters counters;
    struct settings_limits limits;
    bool draining;                    /* idle connections are ended at once */
    void (*room)(void *room_context); /* called when a connection has gone */
    void *room_context;
};

void connections_init(struct connections *connections, struct connection_totals *totals,
                      const struct settings_limits *limits);

/* Whether one more may be accepted, over all workers. */
bool connections_have_room(const struct connections *connections);

/* Takes a just accepted SOCKET: counts it, and owns its on_close. NULL: its address has too many
 * already; the socket was closed. */
struct connection *connection_add(struct connections *connections, h2o_socket_t *socket,
                                  enum listener_kind kind, int64_t now_ms);

/* The connection of a socket, or of a request. */
struct connection *connection_of(h2o_socket_t *socket);
struct connection *connection_of_request(const h2o_req_t *req);

/* For struct tls_options. */
void connection_named(h2o_socket_t *socket, struct bytes name, void *context);
/* For SSL_CTX_set_msg_callback. h2o reads up to 400 KB of HTTP/2 header fields per stream, on 100
 * streams, before it asks us anything, and an octet of them can become 64 of memory: so octets are
 * counted where TLS records come in, and a connection that sends more than
 *     limits.header_octets + CONNECTION_SLACK_OCTETS + requests × CONNECTION_REQUEST_OCTETS
 * is cut. */
void connection_meter(int is_write, int version, int content_type, const void *octets,
                      size_t length, SSL *ssl, void *context);
/* The handshake is done, or there is none. */
void connection_opened(struct connection *connection, bool http2, int64_t now_ms);

/* A complete request was taken / its answer has gone, or it was given up. */
void connection_request_began(struct connection *connection, h2o_req_t *req, int64_t now_ms);
void connection_request_ended(struct connection *connection, int64_t now_ms);

/* Both directions, now: what is under way is lost. */
void connection_cut(struct connection *connection);

/* Ends what is over time. */
void connections_sweep(struct connections *connections, int64_t now_ms);
/* At the limit, the oldest that are over CONNECTION_EVICT_MS old and have nothing under way make
 * room, a sixteenth of all at a time: whoever hoards connections loses them to newcomers. */
void connections_evict(struct connections *connections, int64_t now_ms);
void connections_cut_all(struct connections *connections);

#endif
