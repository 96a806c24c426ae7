/* What wants a person: the verdict of `status` (server/control/control.h), of the log and of the
 * metric `attention`.
 *
 * What is found is a pure function of what the other threads have told; each code is a row of one
 * table (attention.c). What nobody here could make go away does not count: a part of OpenSSL that
 * is slower than it could be, a name whose tenant has not pointed it here yet, a provider's policy
 * that is good and odd. `status` tells of them in their own places. */
#ifndef SERVER_ATTENTION_H
#define SERVER_ATTENTION_H

#include <jansson.h>

#include "acme/acme.h"
#include "lib/base/log.h"
#include "policies/loader/loader.h"
#include "policies/mirror/mirror.h"

/* The order is that in which they are told. */
enum attention_code {
    ATTENTION_LOADING,                   /* not all is answered for yet */
    ATTENTION_STOPPING,                  /* it ends */
    ATTENTION_CONFIGURATION_IN_ERROR,    /* the last good one is in use */
    ATTENTION_RESTART_NEEDED,            /* keys that only a restart applies */
    ATTENTION_FILES_IN_ERROR,            /* of policies or certificates */
    ATTENTION_CERTIFICATES_DENIED,       /* files and directories of them that we may not read */
    ATTENTION_REMOVALS_HELD,             /* domains */
    ATTENTION_STILL_OPEN,                /* files that take something away and may not be whole */
    ATTENTION_NOT_REMEMBERED,            /* what is served: a restart would not know it */
    ATTENTION_NAMES_WITHOUT_CERTIFICATE, /* for CONCERNS_GRACE_S, though they reach us */
    ATTENTION_CERTIFICATES_ENDING,       /* soon, and nobody has renewed them */
    ATTENTION_ACME_CANNOT_ORDER,         /* at all, or at one CA, for ten minutes */
    ATTENTION_MIRRORS_FAILING, /* ATTENTION_MIRROR_FAILURES looks in a row, or never had */
    ATTENTION_CODES,
};
/* "files-in-error" */
const char *attention_name(enum attention_code code);

/* One that failed may be the network's bad moment. */
enum { ATTENTION_MIRROR_FAILURES = 3 };

/* All borrowed; NULL: it is not known, or there is none. */
struct attention_facts {
    const char *loading; /* how far the load is; NULL: it is over */
    bool stopping;
    const char *configuration_problem; /* its first error, at the start or the last reload */
    const char *restart_keys;          /* separated by commas; "" or NULL: none */
    const struct loader_status *loaded;
    const struct acme_status *acme;
    const struct mirror_status *mirror;
    int64_t now_s;
};

struct attention {
    size_t count;    /* of what it is about; 0: there is nothing to attend to */
    char *subject;   /* the first of it: a file, a name, a provider, keys; or NULL */
    char *text;      /* "what; what to do" */
    int64_t since_s; /* wall clock of the look that found it first; 0: it does not stand */
    bool told;       /* the log has it */
};
/* By code. Zero-initialised is empty. */
struct attentions {
    struct attention items[ATTENTION_CODES];
};

/* Replaces what was FOUND before; what stands still keeps its `since_s`. */
void attentions_find(const struct attention_facts *facts, struct attentions *found);
void attentions_clear(struct attentions *found);

/* [{"code", "subject", "count", "since", "text"}, …] */
json_t *attentions_json(const struct attentions *found);

/* One line for each that is new since the last call, and one for each that is over. */
void attentions_log(struct attentions *found, struct log *log);

#endif
