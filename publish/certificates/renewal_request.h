/* Has the running server order certificates now, and waits for what becomes of it. */
#ifndef PUBLISH_CERTIFICATES_RENEWAL_REQUEST_H
#define PUBLISH_CERTIFICATES_RENEWAL_REQUEST_H

#include "config/settings.h"
#include "lib/dns/name.h"
#include "publish/certificates/renewal_wait.h"

struct renewal_host {
    struct dns_name name;
    struct renewal_mark before;
    bool asked; /* the server has taken it on */
    bool ended; /* …, or nothing more is to come of it */
};

struct renewal_request {
    const struct settings *settings;
    int64_t asked_s; /* when it begins */
    bool waits;      /* renewal_request_wait is to come */
    struct renewal_host *hosts;
    size_t count;
    size_t capacity;
    struct acme_store *store; /* NULL: there was none when it was asked for */
};
void renewal_request_clear(struct renewal_request *request);

void renewal_request_add(struct renewal_request *request, const struct dns_name *host);
/* Every host that fails or does not reach us yet: what a CA rejected for good is not asked for in
 * the lump. */
bool renewal_request_add_failing(struct renewal_request *request, struct error *e) MUST_USE;

/* Asks for HOST. */
bool renewal_request_ask(struct renewal_request *request, struct renewal_host *host,
                         struct error *e) MUST_USE;

/* Until all have ended, for at most WAIT_S; ENDED is told of each: PROBLEM is NULL where its
 * certificate is there, else what failed. False: the store cannot be read. */
bool renewal_request_wait(struct renewal_request *request, int64_t wait_s,
                          void (*ended)(const struct renewal_host *host, const char *problem,
                                        void *context),
                          void *context, struct error *e) MUST_USE;

#endif
