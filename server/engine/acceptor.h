/* Lets a worker's clients in: its listening sockets, and what happens where there is no room for
 * more.
 *
 * At limits.connections, or without a descriptor to spare, all listeners rest, since one that stays
 * readable would keep the loop spinning; others make room meanwhile (connections.h). What room
 * there is, the listeners then take turns at: the queue of one must not keep the others waiting. */
#ifndef SERVER_ENGINE_ACCEPTOR_H
#define SERVER_ENGINE_ACCEPTOR_H

#include "server/engine/channel.h"
#include "server/engine/worker.h"

struct acceptor;

/* Listens on COUNT descriptors, which are its own from now on. HOUSE is where clients are led to.
 */
struct acceptor *acceptor_new(h2o_loop_t *loop, struct channel_house *house,
                              const struct worker_listener *listeners, size_t count);
/* After acceptor_close, and a turn of the loop. NULL is fine. */
void acceptor_free(struct acceptor *acceptor);

/* Somebody waits for room: it wants acceptor_tend soon. */
bool acceptor_rests(const struct acceptor *acceptor);
/* In each turn of the loop. MAY_TRY: so much time has passed that others may have made room. */
void acceptor_tend(struct acceptor *acceptor, bool may_try);
/* Limits have changed. */
void acceptor_set_limits(struct acceptor *acceptor);
/* Lets in whom the kernel has let in already, and listens no more. */
void acceptor_close(struct acceptor *acceptor);

#endif
