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

#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "lib/base/memory.h"
#include "lib/dns/name.h"
#include "server/answers/http_answer.h"
#include "server/engine/address_book.h"
#include "server/engine/connection_rule.h"
#include "server/engine/listener_kind.h"

struct connection;

enum {
    /* TLS records of a handshake, SETTINGS, and what one turn of the loop may bring in before the
     * protocol has seen any of it. */
    CONNECTION_SLACK_OCTETS = 40 * 1024,
    /* A connection may hold so much even where all together hold more than limits.memory: the
     * longest policy, as an answer and as what is being written. */
    CONNECTION_SHARE_OCTETS = 160 * 1024,
};

/* What all workers share. */
struct connection_totals {
    _Atomic int64_t current;
    _Atomic int64_t held; /* octets, as connection_hold counts them */
    /* How many there were of each rank at the last sweep of their worker. */
    _Atomic int64_t ranked[CONNECTION_RANKS];
    _Atomic int64_t paused; /* workers that let nobody in, for want of room or of descriptors */
    struct address_book *addresses;
};

/* How a TLS handshake ended, each once. */
enum connection_handshake {
    HANDSHAKE_DONE,
    HANDSHAKE_CHALLENGE,    /* a CA's look (RFC 8737) */
    HANDSHAKE_UNKNOWN_NAME, /* no name, or one that has no certificate here */
    HANDSHAKE_CUT,          /* a limit, or this process's end */
    HANDSHAKE_FAILED,       /* all else: the client left, or has nothing in common with us */
    CONNECTION_HANDSHAKES
};
/* "unknown_name" */
const char *connection_handshake_name(enum connection_handshake outcome);

enum connection_protocol { PROTOCOL_HTTP_1_0, PROTOCOL_HTTP_1_1, PROTOCOL_HTTP_2, PROTOCOLS };
/* "HTTP/1.1" */
const char *connection_protocol_name(enum connection_protocol protocol);

/* Written by one worker, read by anyone. */
struct connection_counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t requests;
    _Atomic uint64_t answers[PROTOCOLS][HTTP_STATUSES]; /* by their heads alone, so all but those
                                                           of LISTENER_ADMIN */
    _Atomic uint64_t handshakes[CONNECTION_HANDSHAKES];
    _Atomic uint64_t ended[CONNECTION_ENDS]; /* by us, or refused */
};

/* Those of one worker. */
struct connections {
    TAILQ_HEAD(connection_list, connection) list; /* oldest first */
    size_t count;
    struct connection_totals *totals;
    struct connection_counters counters;
    struct settings_limits limits;
    const struct settings_networks *from; /* borrowed: who is let in besides this machine; NULL:
                                             everybody */
    bool draining;
    int64_t ranked[CONNECTION_RANKS]; /* this worker's part of the totals */
    /* Says to the client that no more requests are wanted, and sees to it that its end is noticed;
     * called again at each sweep while it stays. Closes nothing before it returns. */
    void (*goodbye)(struct connection *connection);
};

struct connection {
    TAILQ_ENTRY(connection) link;
    struct connections *owner;
    int fd; /* borrowed */
    enum listener_kind kind;
    const struct settings_listen_terms *terms; /* borrowed; NULL: none of its own */
    struct connection_times times;
    int64_t requests;   /* taken, ever */
    unsigned under_way; /* of these, not yet out of the protocol's hands */
    bool answers;       /* at least one was taken since it was idle */
    int64_t received;   /* octets of TLS records; without TLS none are counted … */
    int64_t allowed;    /* … and how many may come, by the requests that were taken */
    int64_t held;       /* octets of memory, beyond what an idle connection has */
    struct address_place place;
    /* Who it is: what the socket comes from, or whom its proxy's header tells. ss_family is
     * AF_UNSPEC where it is not known. */
    struct sockaddr_storage peer;
    struct dns_name name; /* what the TLS handshake asked for; n is 0 without */
};

/* One more that was ended, or refused, for REASON. */
void connection_count(struct connection *connection, enum connection_end reason);

/* One more answer of STATUS, to a request of VERSION (struct http_request). */
void connection_count_answer(struct connection *connection, int version, int status);
/* The TLS handshake of this connection is over. */
void connection_count_handshake(struct connection *connection, enum connection_handshake outcome);

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
