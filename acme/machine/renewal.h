/* When to renew, and how long to wait after a failure: decisions without clock or state. Times are
 * seconds since 1970; RANDOM is any 32 random bits. */
#ifndef ACME_MACHINE_RENEWAL_H
#define ACME_MACHINE_RENEWAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/memory.h"

/* A moment in the window in which a certificate wants to be renewed without a CA's advice: it ends
 * when 1/3 of the lifetime is left (1/2 where the lifetime is under 10 days) and is one tenth of
 * the lifetime long, so that certificates got together are not renewed together. */
int64_t renewal_moment(int64_t not_before_s, int64_t not_after_s, uint32_t random);
/* The same as it is chosen at NOW_S. By a clock that is ahead of the CA's, the moment may be past
 * already. Then half of what is left: one renewal must not follow the other at once. */
int64_t renewal_moment_from(int64_t not_before_s, int64_t not_after_s, int64_t now_s,
                            uint32_t random);
/* From here on nothing else counts: 1/20 of the lifetime is left. */
int64_t renewal_emergency(int64_t not_before_s, int64_t not_after_s);
/* A moment in the CA's window (RFC 9773 §4.2), evenly; START where the window is past is for the
 * caller to see. */
int64_t renewal_in_window(int64_t start_s, int64_t end_s, uint32_t random);

/* The wait after the FAILURES-th failure in a row (1 is the first): 1 min, 10 min, 100 min, 1 day,
 * each ± 50%. */
int64_t retry_wait_s(unsigned failures, uint32_t random);

/* The wait after the LOOKS-th look in a row (1 is the first) that found that a name does not reach
 * us: 1 min ± 50%, then 5 to 10 min. It stays short, as no CA was asked: whoever corrects DNS has a
 * certificate soon. */
int64_t look_wait_s(unsigned looks, uint32_t random);
enum { LOOK_WAIT_MAX_S = 600 };
/* COUNT names are to be looked at again: over how long the looks are spread. At once where they are
 * few, a hundred a second where they are many, in ten minutes however many they are. */
int64_t look_spread_s(size_t count);

/* A Retry-After's seconds as RFC 9773 §4.3 asks: between a minute and a day. */
int64_t retry_after_clamp_ari(int64_t wait_s);

/* A token bucket: at most SIZE at once, filled anew evenly over WINDOW_S. */
struct token_bucket {
    double tokens;
    int64_t filled_s; /* when they were counted; in the future (a clock that was set back): counts
                         as now */
};
/* Fills up, then takes one. False: none is there; *RET_WAIT_S says how long until there is. */
bool token_bucket_take(struct token_bucket *bucket, int64_t size, int64_t window_s, int64_t now_s,
                       int64_t *ret_wait_s) MUST_USE;
/* What is there now. */
double token_bucket_level(const struct token_bucket *bucket, int64_t size, int64_t window_s,
                          int64_t now_s);

#endif
