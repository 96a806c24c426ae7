/* A token bucket in one word, by the generic cell rate algorithm (ITU-T I.371): instead of tokens
 * and the time when they were counted, the time when the bucket is full again. No clock, no state
 * of its own.
 *
 * A bucket that is 0 is full. It holds BURST tokens, PER_SECOND come back each second (each 1 to
 * 1,000,000); they may be others at each call. */
#ifndef SERVER_ENGINE_HANDSHAKE_RATE_H
#define SERVER_ENGINE_HANDSHAKE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/memory.h"

/* Takes a token at NOW_MS of a monotonic clock of at most a century. False: there is none.
 * *RET_AFTER is the bucket after it in either case, most often BEFORE where there is none.
 *
 * NOW_MS may be a little older than at the call before: threads have clocks that they read once in
 * a while. As it has steps of a millisecond, a burst under a thousandth of the rate gets less than
 * the rate. */
bool handshake_rate_take(int64_t before, int64_t now_ms, int64_t per_second, int64_t burst,
                         int64_t *ret_after) MUST_USE;

#endif
