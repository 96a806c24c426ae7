#include "renewal.h"

#include <assert.h>

enum {
    MINUTE_S = 60,
    DAY_S = 86400,
    SHORT_S = 10 * DAY_S, /* a lifetime under this is a short one */
};

/* As a fraction of 2^32: RANDOM of SPAN, rounded down. Two products, as one could overflow. */
static uint64_t part_of(uint64_t span, uint32_t random)
{
    return (span >> 32) * random + (((span & UINT32_MAX) * random) >> 32);
}

/* From A to B; 0 where B is not after A. Unsigned, as it may be more than an int64_t holds. */
static uint64_t seconds_from(int64_t a, int64_t b)
{
    return b > a ? (uint64_t)b - (uint64_t)a : 0;
}

int64_t renewal_moment(int64_t not_before_s, int64_t not_after_s, uint32_t random)
{
    uint64_t lifetime_s = seconds_from(not_before_s, not_after_s);
    uint64_t left_s = lifetime_s / (lifetime_s < SHORT_S ? 2 : 3);
    uint64_t window_s = lifetime_s / 10;
    /* 1/2 + 1/10 at most, of the lifetime: never before not_before_s. */
    return not_after_s - (int64_t)(left_s + window_s - part_of(window_s, random));
}

int64_t renewal_moment_from(int64_t not_before_s, int64_t not_after_s, int64_t now_s,
                            uint32_t random)
{
    int64_t moment_s = renewal_moment(not_before_s, not_after_s, random);
    return moment_s > now_s ? moment_s : now_s + (not_after_s - now_s) / 2;
}

int64_t renewal_emergency(int64_t not_before_s, int64_t not_after_s)
{
    return not_after_s - (int64_t)(seconds_from(not_before_s, not_after_s) / 20);
}

int64_t renewal_in_window(int64_t start_s, int64_t end_s, uint32_t random)
{
    return (int64_t)((uint64_t)start_s + part_of(seconds_from(start_s, end_s), random));
}

int64_t retry_wait_s(unsigned failures, uint32_t random)
{
    static const int waits_s[] = {MINUTE_S, 10 * MINUTE_S, 100 * MINUTE_S, DAY_S};
    unsigned last = ARRAY_LENGTH(waits_s);
    unsigned which = failures == 0 ? 1 : failures < last ? failures : last;
    int64_t wait_s = waits_s[which - 1];
    return wait_s / 2 + (int64_t)part_of((uint64_t)wait_s, random);
}

int64_t look_wait_s(unsigned looks, uint32_t random)
{
    enum { HALF_S = LOOK_WAIT_MAX_S / 2 };
    return looks <= 1 ? retry_wait_s(1, random) : HALF_S + (int64_t)part_of(HALF_S, random);
}

int64_t look_spread_s(size_t count)
{
    enum { A_SECOND = 100 };
    size_t spread_s = count / A_SECOND;
    return spread_s < LOOK_WAIT_MAX_S ? (int64_t)spread_s : LOOK_WAIT_MAX_S;
}

int64_t retry_after_clamp_ari(int64_t wait_s)
{
    return wait_s < MINUTE_S ? MINUTE_S : wait_s > DAY_S ? DAY_S : wait_s;
}

double token_bucket_level(const struct token_bucket *bucket, int64_t size, int64_t window_s,
                          int64_t now_s)
{
    assert(size >= 1 && window_s >= 1);
    double before = bucket->tokens > 0 ? bucket->tokens : 0; /* so that NaN is nothing, too */
    double filled = (double)seconds_from(bucket->filled_s, now_s) * (double)size / (double)window_s;
    return before + filled < (double)size ? before + filled : (double)size;
}

bool token_bucket_take(struct token_bucket *bucket, int64_t size, int64_t window_s, int64_t now_s,
                       int64_t *ret_wait_s)
{
    bucket->tokens = token_bucket_level(bucket, size, window_s, now_s);
    bucket->filled_s = now_s;
    if (bucket->tokens < 1) {
        double missing = 1 - bucket->tokens;
        *ret_wait_s = (int64_t)(missing * (double)window_s / (double)size) + 1; /* rounded up */
        return false;
    }
    bucket->tokens = bucket->tokens > 1 ? bucket->tokens - 1 : 0;
    return true;
}
