/* The policies that a sender has seen, a file for each domain (policies/model/cached_policy.h) in
 * one directory: DIRECTORY/DOMAIN, both readable by their owner alone. Several processes may use it
 * at the same time: files are replaced as a whole.
 *
 * It is bounded by SENDER_CACHE_MAX files. When it is full, policies that are over make room, and
 * no others: else whoever has mail sent to many domains could push out those that are in his way.
 */
#ifndef CHECKS_SENDER_CACHE_H
#define CHECKS_SENDER_CACHE_H

#include "policies/model/cached_policy.h"

enum { SENDER_CACHE_MAX = 100000 };

struct sender_cache {
    const char *directory; /* NULL: nothing is kept and nothing is found */
    size_t max;            /* files; 0: SENDER_CACHE_MAX */
};

/* True: what is kept for DOMAIN (normalised), whether it holds or not; without a policy where
 * nothing is. False: there is a file that cannot be read or is not ours. */
bool sender_cache_find(const struct sender_cache *cache, struct bytes domain,
                       struct cached_policy *ret_cached, struct error *e) MUST_USE;

/* Keeps it from now on; the directory is made where it is missing. Fails with ERROR_LIMIT where the
 * cache is full of policies that hold at NOW_S and has none for DOMAIN. */
bool sender_cache_keep(const struct sender_cache *cache, struct bytes domain,
                       const struct cached_policy *cached, int64_t now_s, struct error *e) MUST_USE;

#endif
