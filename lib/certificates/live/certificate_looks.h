/* Looks at many certificate sources at once, on all cores. */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_LOOKS_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_LOOKS_H

#include "lib/certificates/live/certificate_source.h"

/* Zero-initialised there is nothing to look at. */
struct certificate_looks {
    struct certificate_source **items;
    size_t count;
    size_t capacity;
};

/* Forgets them, without a look. */
void certificate_looks_clear(struct certificate_looks *looks);

void certificate_looks_add(struct certificate_looks *looks, struct certificate_source *source);

/* Hands over what was found: on the calling thread, in the order they were added, each as soon as
 * it is known. False: no more is wanted. */
typedef bool (*certificate_looks_found)(struct certificate_source *source,
                                        struct certificate_finding *finding, void *context);

struct certificate_looks_options {
    struct chain_pool *chains;       /* in which intermediates are shared */
    const struct snapshot *snapshot; /* may be NULL */
    bool quickly;  /* what is seen for the first time may be left unproven; the disk is kept busy */
    int64_t now_s; /* the wall clock */
    bool prove;    /* certificate_source_prove, not certificate_source_look */
    certificate_looks_found found;
    void *context;
};

/* Looks at all, and forgets them. */
void certificate_looks_run(struct certificate_looks *looks,
                           const struct certificate_looks_options *options);

#endif
