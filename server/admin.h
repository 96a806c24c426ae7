/* `listen.admin`: metrics and health over HTTP, for who watches the server.
 *
 * It is served by the engine that serves clients, on a thread of its own and with connections of
 * its own: neither can keep the other waiting, and it answers from before the load until after the
 * last client has gone. What is said, the main thread says: so that it hangs is seen as well.
 *
 * Nothing is counted for a scrape. The look at every domain and certificate that the main thread
 * has taken from time to time in any case (commands_status.c) is kept; a scrape adds what has
 * counters, and asks for a newer look where that is so old that looks take a twentieth of the
 * loader's time at most. */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "lib/base/error.h"

struct admin;
struct server;
struct inquiry;

enum {
    ADMIN_CONNECTIONS = 64,
    ADMIN_LOOK_MS = 5000, /* a look younger than that is new enough */
    ADMIN_LOOK_PARTS = 20,
    ADMIN_BEAT_MS = 10000, /* a loop that has not turned for so long does not work */
};

/* Serves SERVER's admin_listeners; *RET_ADMIN is NULL where there are none. */
bool admin_start(struct server *server, struct admin **ret_admin, struct error *e) MUST_USE;
/* On the main thread, as all that follow: what the other threads have ANSWERED. NULL is fine. */
void admin_keep(struct admin *admin, const struct inquiry *answered);
/* NULL is fine. */
void admin_stop(struct admin *admin);

#endif
