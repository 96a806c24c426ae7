/* Whether a CA would find us under a host's name, asked before it is: a tenant whose DNS does not
 * point here yet costs the CA nothing, and its failures no one else's limits.
 *
 * Blocking: for a thread that may wait (base/work_pool.h). */
#ifndef ACME_PREFLIGHT_H
#define ACME_PREFLIGHT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "certificates/pair.h"
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
    enum settings_challenge kind; /* how the CA is to look */
    bool dns;                     /* the name must have an address */
    /* Each of its addresses must show what is ours there; 0: not looked at. */
    int http_port;                  /* http-01: the answer to `token` … */
    int https_port;                 /* tls-alpn-01: the certificate of `pair` */
    const char *token;              /* of the probe … */
    const char *thumbprint;         /* … whose answer is TOKEN.THUMBPRINT */
    struct certificate_pair *pair;  /* on the board; with tls-alpn-01 alone */
    const char *const *caa_issuers; /* the CA's names for CAA; none: not checked */
    size_t caa_issuer_count;
    const char *account_uri;
    const _Atomic bool *abandon; /* set by another thread: the result is of no use any more */
};

/* False: a challenge of that kind would fail; E says what to do. ERROR_RETRY where DNS gave no
 * answer. */
bool preflight_run(const struct preflight *preflight, struct error *e) MUST_USE;

#endif
