/* What the parts of the serving process share on its main thread. Internal to server/. */
#ifndef SERVER_SERVER_STATE_H
#define SERVER_SERVER_STATE_H

#include "base/mailbox.h"
#include "loader/loader.h"
#include "server/access_log.h"
#include "server/control_socket.h"
#include "server/listener.h"
#include "server/privileges.h"
#include "server/worker.h"
#include "store/history.h"

/* A question to the loader whose answer is awaited. */
struct inquiry {
    struct server *server;
    struct inquiry *next;
    uint64_t ticket;           /* of the control client; 0: nobody's */
    char *trouble;             /* what else to tell the client, or NULL */
    struct settings *outdated; /* owned; the loader is done with them when it has answered */
    void (*answered)(struct inquiry *inquiry); /* on the main thread */
    struct policy_set_result result;           /* of a reload */
    struct loader_status *status;              /* owned */
};

struct server {
    struct settings *settings; /* as started with */
    struct settings *newer;    /* as read since, or NULL */
    struct log *log;
    struct error *error;
    int64_t started_ms;

    struct systemd_sockets systemd;
    struct privileges privileges;
    struct listeners listeners;
    struct connection_totals totals;
    struct loader_tables tables;
    struct access_log *access_log;
    struct control *control;
    struct mailbox *mailbox;
    struct loader *loader;
    struct worker **workers;
    size_t worker_count;
    size_t workers_running;
    struct history *history; /* opened when first asked */
    struct inquiry *inquiries;

    int signals; /* signalfd */
    bool stopping;
    int64_t drain_until_ms;
    int64_t watchdog_ms; /* 0: none */
    int64_t watchdog_due_ms;
    bool watchdog_waits; /* for the loader's answer */
};

/* --- commands.c: the control socket's requests --- */
void commands_ask(uint64_t ticket, const json_t *request, void *context);

/* --- reload.c --- */
/* Reads the configuration and rescans; answers TICKET (0: nobody) when it is served. */
void server_reload(struct server *server, unsigned flags, uint64_t ticket);

/* --- inquiry.c --- */
struct inquiry *inquiry_new(struct server *server, uint64_t ticket,
                            void (*answered)(struct inquiry *inquiry));
/* The loader's DONE callbacks; CONTEXT is an inquiry. */
void inquiry_on_reload(const struct policy_set_result *result, struct loader_status *status,
                       void *context);
void inquiry_on_status(struct loader_status *status, void *context);
/* Those that nobody will answer any more. */
void inquiries_free(struct server *server);

#endif
