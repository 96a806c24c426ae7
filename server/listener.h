/* Opens what `listen:` names, before privileges are dropped: per worker one descriptor of each.
 *
 * A TCP address gets a socket per worker (SO_REUSEPORT: the kernel spreads connections, no
 * thundering herd). Another process on the same port is an error all the same: the first bind is
 * done without it. Unix and systemd sockets are one socket, shared by all workers. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <sys/types.h>

#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "server/engine/listener_kind.h"
#include "server/systemd.h"

struct listener {
    enum listener_kind kind;
    const struct settings_listen_terms *terms; /* borrowed from the settings */
    char *address;             /* as bound: "[::]", "0.0.0.0", "unix:/run/x.sock", "systemd:NAME" */
    int port;                  /* as bound; 0 where there is none */
    int *fds;                  /* one per worker; -1: handed over */
    char *path;                /* of a Unix socket, removed in listeners_close; NULL otherwise */
    struct file_identity file; /* what was bound there */
};

struct listeners {
    struct listener *items;
    size_t count;
    size_t capacity;
    size_t workers;
};

struct listener_options {
    size_t workers;
    const struct systemd_sockets *systemd;
    uid_t uid; /* owner of Unix sockets; (uid_t)-1: leave */
    gid_t gid;
};

/* "https", "http", "plain", "admin". */
const char *listener_kind_name(enum listener_kind kind);

/* Opens all of SETTINGS's that clients use. On failure none is left open. */
bool listeners_open(const struct settings *settings, const struct listener_options *options,
                    struct listeners *ret_listeners, struct error *e) MUST_USE;
/* The same for `listen.admin`, which is served by itself. */
bool listeners_open_admin(const struct settings *settings, const struct listener_options *options,
                          struct listeners *ret_listeners, struct error *e) MUST_USE;
/* Closes what was not handed over. */
void listeners_close(struct listeners *listeners);

/* Adds one. LISTEN is as configured. */
bool listener_open(enum listener_kind kind, const struct settings_listen *listen,
                   const struct listener_options *options, struct listeners *listeners,
                   struct error *e) MUST_USE;

/* Whether LISTEN, an address, could be opened by the next start while OURS are open: they will be
 * closed by then, so that of a port of theirs only the address is tried. Nothing stays open. That a
 * port below 1024 may not be bound (any more) is no failure. */
bool listener_try(const struct settings_listen *listen, const struct listeners *ours,
                  struct error *e) MUST_USE;

/* Hands worker WORKER's descriptor of the listener over. */
int listener_take(struct listener *listener, size_t worker);

/* One `server.listening` event for each. */
void listeners_log(const struct listeners *listeners, struct log *log);

#endif
