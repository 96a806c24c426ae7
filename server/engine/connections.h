/* The connections of one worker, oldest first, and every limit on how many, how long, how much.
 *
 * h2o has no write timeout, its timers follow the wall clock, and what it calls idle a PING resets.
 * So one mechanism of our own holds all times: connections_sweep, called every CONNECTION_SWEEP_MS,
 * judges each connection (connection_rule.h). Nothing is ever closed here: who is to leave hears a
 * goodbye, who is cut is shut by shutdown(2), which the loop sees as the peer's leaving. */
#ifndef SERVER_ENGINE_CONNECTIONS_H
#define SERVER_ENGINE_CONNECTIONS_H

#include <stdatomic.h>

#include "server/engine/connection.h"

enum {
    CONNECTION_SWEEP_MS = 250,
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

/* Written by one worker, read by anyone. */
struct connection_counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t requests;
    _Atomic uint64_t ended[CONNECTION_ENDS]; /* by whom we ended or refused */
};

struct connections {
    TAILQ_HEAD(connection_list, connection) list; /* oldest first */
    size_t count;
    struct connection_totals *totals;
    struct connection_counters counters;
    struct settings_limits limits;
    bool draining;
    int64_t ranked[CONNECTION_RANKS]; /* this worker's part of the totals */
    /* Says to the client that no more requests are wanted, and sees to it that its end is noticed;
     * called again at each sweep while it stays. Closes nothing before it returns. */
    void (*goodbye)(struct connection *connection);
};

void connections_init(struct connections *connections, struct connection_totals *totals,
                      const struct settings_limits *limits,
                      void (*goodbye)(struct connection *connection));

/* Whether one more may be accepted, over all workers. */
bool connections_have_room(const struct connections *connections);

/* Counts a just accepted one, whose descriptor, kind and peer are set, and puts it into the list.
 * False: a limit of its address or network refuses it, nothing was changed but a counter. */
bool connections_add(struct connections *connections, struct connection *connection, int64_t now_ms)
    MUST_USE;
/* Its socket is closed; gives back all that it had. */
void connections_remove(struct connection *connection);

/* Ends what is over time, and makes room where there is none. */
void connections_sweep(struct connections *connections, int64_t now_ms);
/* Where newcomers wait, a sixteenth of this worker's go: of the highest rank that any worker has,
 * the oldest first, so whoever hoards connections loses them to newcomers. Where memory is used up,
 * those who hold the most. */
void connections_make_room(struct connections *connections, int64_t now_ms);
void connections_cut_all(struct connections *connections);

void connections_count_end(struct connections *connections, enum connection_end reason);
void connections_count_request(struct connections *connections);

#endif
