/* Whether the serving side has the policies that ids name: an id must not be published before
 * (RFC 8461 §8.1 and its order): a sender that sees it fetches, and keeps what it gets under that
 * id, were it the old text, until its max_age is over.
 *
 * Asked is the running server over its control socket; or over HTTPS, as senders ask, every address
 * of mta-sts.DOMAIN; or every address of another host, such as a new machine. */
#ifndef PUBLISH_SERVING_WAIT_H
#define PUBLISH_SERVING_WAIT_H

#include <stdint.h>

#include "config/settings.h"
#include "lib/base/progress.h"
#include "lib/dns/resolver.h"
#include "policies/files/catalogue.h"
#include "publish/serving_question.h"

enum serving_source {
    SERVING_AUTO,    /* the control socket; HTTPS where nobody listens there */
    SERVING_CONTROL, /* that alone */
    SERVING_HTTPS,
};

struct serving_wait {
    const struct settings *settings;     /* borrowed */
    const struct dns_resolver *resolver; /* borrowed */
    enum serving_source source;
    char *host; /* instead of mta-sts.DOMAIN: a name or an address; NULL: none; owned */
    char port[6];
    struct progress progress;
    struct serving_item *items;
    size_t count;
    size_t capacity;
    char *unasked; /* why nobody could be asked, or NULL; owned */
};

/* "https://HOST[:PORT]", where HOST may be an address; makes WAIT ask there. */
bool serving_wait_at(struct serving_wait *wait, const char *url, struct error *e) MUST_USE;

/* The item of VIEW's domain; call it for a domain once. */
size_t serving_wait_add(struct serving_wait *wait, const struct catalogue_view *view);

/* Asks until all are served, at most TIMEOUT_MS, but for the first time as long as that takes, at
 * most a minute. The number of those that are not. */
size_t serving_wait_run(struct serving_wait *wait, int64_t timeout_ms);

void serving_wait_clear(struct serving_wait *wait);

#endif
