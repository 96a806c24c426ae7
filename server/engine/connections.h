/* The connections of one worker, oldest first, and every limit on how many, how long, how much.
 *
 * h2o has no write timeout, its timers follow the wall clock, and what it calls idle a PING resets.
 * So one mechanism of our own holds all times: connections_sweep, called every CONNECTION_SWEEP_MS,
 * judges each connection (connection_rule.h). Nothing is ever closed here: who is to leave hears a
 * goodbye, who is cut is shut by shutdown(2), which the loop sees as the peer's leaving. */
#ifndef SERVER_ENGINE_CONNECTIONS_H
#define SERVER_ENGINE_CONNECTIONS_H

#include "server/engine/connection.h"

enum { CONNECTION_SWEEP_MS = 250 };

void connections_init(struct connections *connections, struct connection_totals *totals,
                      const struct settings_limits *limits,
                      void (*goodbye)(struct connection *connection));

/* Whether one more may be accepted, over all workers. */
bool connections_have_room(const struct connections *connections);

/* Counts a just accepted one, whose descriptor, kind and peer are set, and puts it into the list.
 * False: a limit of its address or network refuses it, nothing was changed but a counter. */
bool connections_add(struct connections *connections, struct connection *connection, int64_t now_ms)
    MUST_USE;
/* CONNECTION, whose terms say that it is a proxy's, is CLIENT's (AF_UNSPEC: the proxy's own), for
 * all limits from now on. False: one of them refuses it. */
bool connections_introduce(struct connection *connection, const struct sockaddr_storage *client,
                           int64_t now_ms) MUST_USE;
/* Its socket is closed; gives back all that it had. */
void connections_remove(struct connection *connection);

/* Ends what is over time, and makes room where there is none. */
void connections_sweep(struct connections *connections, int64_t now_ms);
/* Where newcomers wait, a sixteenth of this worker's go: of the highest rank that any worker has,
 * the oldest first, so whoever hoards connections loses them to newcomers. Where memory is used up,
 * those who hold the most. */
void connections_make_room(struct connections *connections, int64_t now_ms);
void connections_cut_all(struct connections *connections);

#endif
