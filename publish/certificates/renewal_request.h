/* Has the running server order certificates now, and waits for what becomes of it, by what the
 * store says: that is there also where the server that orders is another process than the one that
 * was asked. */
#ifndef PUBLISH_CERTIFICATES_RENEWAL_REQUEST_H
#define PUBLISH_CERTIFICATES_RENEWAL_REQUEST_H

#include "acme/store/acme_store.h"
#include "config/settings.h"
#include "lib/dns/name.h"

/* What the store says of a host: to be noted before the order is asked for. */
struct renewal_mark {
    int64_t certificate_id; /* 0: none */
    enum acme_host_trouble trouble;
    unsigned failures;
    int64_t next_s;
    char *problem; /* NULL: none */
};

enum renewal_outcome {
    RENEWAL_UNDER_WAY,
    RENEWAL_DONE,   /* a newer certificate is there */
    RENEWAL_FAILED, /* the host's trouble is a new one: AFTER has the words */
};

/* What happened between BEFORE and AFTER to an order that was asked for at ASKED_S. */
enum renewal_outcome renewal_outcome(const struct renewal_mark *before,
                                     const struct renewal_mark *after, int64_t asked_s);

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
