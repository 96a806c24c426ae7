/* When an upstream is looked at and fetched. Pure: times and chance are parameters.
 *
 * A look asks for the TXT record alone. Its time varies by a tenth, so that those who follow one
 * provider do not all come at once; after failures looks come sooner at first, then ever more
 * seldom. A policy is fetched when the record's id has changed, and in any case well before its
 * max_age is over, as RFC 8461 §3.3 asks of a sender. */
#ifndef POLICIES_MIRROR_PACE_H
#define POLICIES_MIRROR_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

enum {
    PACE_AGAIN_MIN_MS = 60 * 1000, /* after the first failure, where looks are not closer anyway */
    PACE_AGAIN_MAX_MS = 60 * 60 * 1000,  /* and after many of them */
    PACE_WITHOUT_MAX_MS = 5 * 60 * 1000, /* while domains wait for the first text */
    PACE_SPREAD_MS = 10 * 1000,          /* of the first looks after a start */
};

/* What is known of an upstream. */
struct pace_known {
    bool has_policy;
    int64_t fetched_s; /* wall clock */
    uint32_t max_age_s;
    unsigned failures; /* in a row */
};

/* Whether the next look also fetches, though the id be the same. */
bool pace_fetch_is_due(const struct settings_mirror *pace, const struct pace_known *known,
                       int64_t now_s);
/* How long until the next look. CHANCE is any number, evenly spread. */
int64_t pace_wait_ms(const struct settings_mirror *pace, const struct pace_known *known,
                     uint32_t chance);
/* The same for one that was not looked at yet. */
int64_t pace_first_wait_ms(const struct pace_known *known, uint32_t chance);

#endif
