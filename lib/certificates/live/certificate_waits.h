/* Pairs that have changed, of which nobody tells whether their writer is done: they count when
 * their files are the same in two looks that lie far enough apart.
 *
 *     certificate_waits_is_over(&waits, source, files, now, settle)    at each look
 *     while ((source = certificate_waits_next(&waits, now, settle)))   look again
 */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_WAITS_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_WAITS_H

#include "lib/certificates/live/certificate_source.h"

struct certificate_wait {
    TAILQ_ENTRY(certificate_wait) link;
    struct certificate_source *source; /* it knows that it waits, not how */
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX];
    int64_t since_ms; /* that they are so */
    bool queued;      /* and is not handed out to be looked at again */
};

struct certificate_waits {
    void *by_source;                      /* tsearch(3) */
    TAILQ_HEAD(, certificate_wait) queue; /* the earliest first */
};

void certificate_waits_init(struct certificate_waits *waits);
void certificate_waits_clear(struct certificate_waits *waits);

/* SOURCE's files, of that identity, were seen now. True: they have been so for SETTLE_MS, and it
 * waits no more. */
bool certificate_waits_is_over(struct certificate_waits *waits, struct certificate_source *source,
                               const struct file_identity *files, int64_t now_ms,
                               int64_t settle_ms);
/* It need not wait, or is no more. */
void certificate_waits_forget(struct certificate_waits *waits, struct certificate_source *source);

/* When the first of them is to be looked at again; -1: none is. */
int64_t certificate_waits_due_ms(const struct certificate_waits *waits, int64_t settle_ms);
/* One that is due, each once until it is looked at; NULL: there are no more. */
struct certificate_source *certificate_waits_next(struct certificate_waits *waits, int64_t now_ms,
                                                  int64_t settle_ms);

#endif
