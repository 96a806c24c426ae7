/* One client's connection as limits see it: what it is doing, since when, and what it holds. It
 * knows a descriptor, no socket of h2o's: channel.h has that, and the protocol that is spoken.
 *
 * It is in one phase at a time:
 *
 *     HANDSHAKE   of TLS; without TLS it begins with OPEN
 *     OPEN        requests may come; what of them is under way, its facts say
 *     LEAVING     no more requests are wanted; what it asked before is still answered
 *     CUT         shut in both directions; its end is seen in the loop's next turns
 *
 * and goes only forward. connection_rule.h says how long it may stay. */
#ifndef SERVER_ENGINE_CONNECTION_H
#define SERVER_ENGINE_CONNECTION_H

#include <sys/queue.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "dns/name.h"
#include "server/engine/address_book.h"
#include "server/engine/connection_rule.h"
#include "server/engine/listener_kind.h"

struct connections;

struct connection {
    TAILQ_ENTRY(connection) link;
    struct connections *owner;
    int fd; /* borrowed */
    enum listener_kind kind;
    struct connection_times times;
    int64_t requests;   /* taken, ever */
    unsigned under_way; /* of these, not yet out of the protocol's hands */
    int64_t received;   /* octets of TLS records; without TLS none are counted … */
    int64_t allowed;    /* … and how many may come, by the requests that were taken */
    int64_t held;       /* octets of memory, beyond what an idle connection has */
    struct address_place place;
    struct sockaddr_storage peer; /* ss_family is AF_UNSPEC where it is not known */
    struct dns_name name;         /* what the TLS handshake asked for; n is 0 without */
};

/* The TLS handshake is done, or there is none. */
void connection_opened(struct connection *connection, bool http2, int64_t now_ms);
/* The handshake asks for NAME, which is copied. */
void connection_named(struct connection *connection, struct bytes name);

/* What the protocol says now. */
void connection_tell(struct connection *connection, const struct connection_facts *facts,
                     int64_t now_ms);
/* A whole head was taken. */
void connection_request_began(struct connection *connection);
/* Its answer is out of the protocol's hands, or it was given up. */
void connection_request_ended(struct connection *connection);
/* Whether the request just taken is the last one of this connection: by number, age, or because
 * this process ends. */
bool connection_is_last(const struct connection *connection, int64_t now_ms);

/* OCTETS more of TLS records came in. False: more than its requests account for; it was cut.
 * TLS has messages that ask for no answer (KeyUpdate, empty records), and HTTP/2 frames. */
bool connection_received(struct connection *connection, int64_t octets);
/* A body of so many OCTETS was asked for. */
void connection_expects(struct connection *connection, int64_t octets);

/* DELTA octets more (or fewer) are held for it. False: over limits.memory_per_address, or over a
 * fair share while all hold more than limits.memory; it was cut. */
bool connection_hold(struct connection *connection, int64_t delta);

/* The last answer has gone, and what the client still sends is read away for CONNECTION_GRACE_MS.
 */
void connection_lingers(struct connection *connection, int64_t now_ms);
/* No more is read; what is under way is answered. REASON is counted once for each connection. */
void connection_leave(struct connection *connection, enum connection_end reason, int64_t now_ms);
/* Both directions, now: what is under way is lost. Calls nothing back. */
void connection_cut(struct connection *connection, enum connection_end reason);

/* The limit of a request's head here: proxies in front add fields of their own. */
int64_t connection_header_octets(const struct connection *connection);

#endif
