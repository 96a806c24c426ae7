/* HTTPS requests to CAs, many at once on one thread, by libcurl's multi interface. Knows nothing of
 * ACME but which fields of an answer it needs. Every size and time is bounded; certificates are
 * always verified; redirects are not followed.
 *
 *     transport_send(transport, &request, on_answer, order);
 *     while (…) {
 *         transfer_group_wait(transport_group(transport), timeout_ms, mailbox_fd(mailbox));
 *         transport_run(transport);                     // calls on_answer
 *     }
 */
#ifndef ACME_TRANSPORT_H
#define ACME_TRANSPORT_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/fetch/transfer_group.h"

struct transport;

enum {
    TRANSPORT_TIMEOUT_MS = 60000, /* for a whole request */
    TRANSPORT_CONNECT_MS = 15000,
    TRANSPORT_ANSWER_MAX = 256 * 1024,
    TRANSPORT_ALTERNATES_MAX = 8,
    TRANSPORT_URL_MAX = 2048,
    TRANSPORT_CONNECTIONS = 16, /* to one CA */
};

struct transport_request {
    const char *url;   /* https */
    const char *trust; /* PEM file of roots; NULL: the system's */
    bool head;         /* HEAD instead of GET */
    struct bytes body; /* p not NULL: POST application/jose+json; copied */
};

/* Valid during the call. Texts are NULL where the answer has no such field; URLs are absolute. */
struct transport_answer {
    const char *failure; /* no answer came: why. Else NULL and … */
    long status;
    struct bytes body;
    const char *location;
    const char *nonce; /* Replay-Nonce */
    const char *retry_after;
    const char *alternates[TRANSPORT_ALTERNATES_MAX]; /* Link: rel="alternate" */
    size_t alternate_count;
};

typedef void (*transport_done)(const struct transport_answer *answer, void *context);

/* AGENT is the User-Agent (copied). */
bool transport_new(const char *agent, struct transport **ret_transport, struct error *e) MUST_USE;
/* Requests under way are dropped without a call of DONE. NULL is fine. */
void transport_free(struct transport *transport);

/* DONE is called from transport_run, once, and may send again. */
void transport_send(struct transport *transport, const struct transport_request *request,
                    transport_done done, void *context);
/* What to wait for (lib/fetch/transfer_group.h). Lives as long as the transport. */
struct transfer_group *transport_group(const struct transport *transport);
void transport_run(struct transport *transport);

#endif
