/* The server's side of the control socket (server/control/control.h): takes requests, hands them
 * out with a ticket, sends the answer when it is there. Bounded in clients, sizes and times; all on
 * the thread that calls it. Who comes when all places are taken reads why: a few spare places
 * answer an error; who finds those taken as well waits, unaccepted, until one is free.
 *
 * Each has the rank that the kernel's word gives it (server/control/control_rights.h). Strangers
 * are told so and not asked; half of the places are kept for root and the server's user, so that no
 * number of others can keep them out. */
#ifndef SERVER_CONTROL_SOCKET_H
#define SERVER_CONTROL_SOCKET_H

#include <stdint.h>

#include <jansson.h>

#include "lib/base/error.h"
#include "server/control/control.h"
#include "server/control/control_rights.h"

enum {
    CONTROL_CLIENTS_MAX = 32, /* whose requests are worked on at a time */
    CONTROL_MEMBERS_MAX = 16, /* of these, who are neither root nor the server's user */
    CONTROL_SPARE_MAX = 8,    /* more, who are told that the others are too many */
    CONTROL_REQUESTS_MAX = 3 * CONTROL_PANEL_REQUEST_MAX, /* octets of all requests together */
    CONTROL_IO_MS = 5000,     /* to send a request, or to take an answer */
    CONTROL_LINGER_MS = 1000, /* to stop sending, once that is answered */
};

struct control;

/* Called for each request of whoever is no stranger. The answer may be given at once or later. */
typedef void (*control_ask_fn)(uint64_t ticket, enum control_rank rank, const json_t *request,
                               void *context);

struct control_options {
    const char *path;
    const char *group_name; /* for messages */
    gid_t group;            /* whose the socket's file becomes */
    control_ask_fn ask;
    void *context;
    const gid_t *panel_group; /* whose members are CONTROL_PANEL; NULL: nobody is */
};

/* The server's user is who calls it. */
bool control_open(const struct control_options *options, struct control **ret_control,
                  struct error *e) MUST_USE;
/* Clients still waiting see the end of file. NULL is fine. */
void control_close(struct control *control);

/* Readable when control_run has something to do. */
int control_fd(const struct control *control);
/* How long control_run may wait; -1: for ever. */
int control_timeout_ms(const struct control *control, int64_t now_ms);
void control_run(struct control *control, int64_t now_ms);

/* Takes REPLY. Without effect where the client has gone. */
void control_answer(struct control *control, uint64_t ticket, json_t *reply);
/* {"error": TEXT} */
void control_answer_error(struct control *control, uint64_t ticket, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
