/* Waiting until an order that was asked for has ended, by what the store says: it is there also
 * where the server that orders is another process than the one that was asked. */
#ifndef CLI_RENEWAL_WAIT_H
#define CLI_RENEWAL_WAIT_H

#include "acme/store/acme_store.h"

/* What the store says of a host: to be noted before the order is asked for. */
struct renewal_mark {
    int64_t certificate_id; /* 0: none */
    enum acme_host_trouble trouble;
    unsigned failures;
    int64_t next_s;
    char *problem; /* NULL: none */
};

bool renewal_mark_read(struct acme_store *store, const char *host, struct renewal_mark *ret_mark,
                       struct error *e) MUST_USE;
void renewal_mark_clear(struct renewal_mark *mark);

enum renewal_outcome {
    RENEWAL_UNDER_WAY,
    RENEWAL_DONE,   /* a newer certificate is there */
    RENEWAL_FAILED, /* the host's trouble is a new one: AFTER has the words */
};

/* What happened between BEFORE and AFTER to an order that was asked for at ASKED_S. */
enum renewal_outcome renewal_outcome(const struct renewal_mark *before,
                                     const struct renewal_mark *after, int64_t asked_s);

#endif
