/* Whether a CA would find us under a host's name, asked before it is: a tenant whose DNS does not
 * point here yet costs the CA nothing, and its failures no one else's limits.
 *
 * Blocking: for a thread that may wait (base/work_pool.h). */
#ifndef ACME_PREFLIGHT_H
#define ACME_PREFLIGHT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "config/settings.h"
#include "dns/resolver.h"

enum {
    PREFLIGHT_FETCH_MS = 10000,
    PREFLIGHT_CONNECT_MS = 5000,
    PREFLIGHT_ANSWER_MAX = 1024,
    PREFLIGHT_REDIRECTS_MAX = 10, /* as Let's Encrypt follows */
};

struct preflight {
    const char *host;
    const struct dns_resolver *resolver;
    bool dns;          /* the name must have an address */
    int64_t http_port; /* each of its addresses must answer our token there; 0: not asked */
    /* The kinds of challenge that may be used, the one to be preferred first. */
    enum settings_challenge kinds[CHALLENGE_KINDS];
    size_t kind_count;
    const char *token;              /* of the probe … */
    const char *thumbprint;         /* … whose answer is TOKEN.THUMBPRINT */
    const char *const *caa_issuers; /* the CA's names for CAA; none: not checked */
    size_t caa_issuer_count;
    const char *account_uri;
    const _Atomic bool *abandon; /* set by another thread: the result is of no use any more */
};

/* The first kind that would work. False: none; E says what to do (for the first kind that was
 * looked at); ERROR_RETRY where DNS gave no answer. */
bool preflight_run(const struct preflight *preflight, enum settings_challenge *ret_kind,
                   struct error *e) MUST_USE;

#endif
