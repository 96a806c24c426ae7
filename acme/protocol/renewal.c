#include "renewal.h"

#include <assert.h>
#include <time.h>

#include <curl/curl.h>

enum {
    MINUTE_S = 60,
    DAY_S = 86400,
    YEAR_S = 365 * DAY_S,
    SHORT_S = 10 * DAY_S, /* a lifetime under this is a short one */
    HTTP_DATE_MAX = 64,   /* octets; the longest form of RFC 9110 §5.6.7 has 33 */
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

static bool is_white(char c)
{
    return c == ' ' || c == '\t';
}

/* Without the optional white space around a field's value (RFC 9110 §5.5). */
static struct bytes trim(struct bytes field)
{
    while (field.n != 0 && is_white(field.p[0])) {
        field = bytes_skip(field, 1);
    }
    while (field.n != 0 && is_white(field.p[field.n - 1])) {
        field.n--;
    }
    return field;
}

/* Delay-seconds; what passes a year is one. */
static bool parse_delay(struct bytes field, int64_t *ret_wait_s)
{
    int64_t wait_s = 0;
    for (size_t i = 0; i < field.n; i++) {
        if (field.p[i] < '0' || field.p[i] > '9') {
            return false;
        }
        wait_s = wait_s * 10 + field.p[i] - '0';
        wait_s = wait_s < YEAR_S ? wait_s : YEAR_S;
    }
    if (field.n == 0) {
        return false;
    }
    *ret_wait_s = wait_s;
    return true;
}

static bool parse_date(struct bytes field, int64_t *ret_s)
{
    char text[HTTP_DATE_MAX + 1];
    if (field.n == 0 || field.n > HTTP_DATE_MAX || memchr(field.p, '\0', field.n) != NULL) {
        return false;
    }
    memcpy(text, field.p, field.n);
    text[field.n] = '\0';
    time_t date_s = curl_getdate(text, NULL);
    *ret_s = date_s;
    return date_s != -1;
}

bool retry_after_parse(struct bytes field, int64_t now_s, int64_t *ret_wait_s)
{
    int64_t date_s = 0;
    field = trim(field);
    if (parse_delay(field, ret_wait_s)) {
        return true;
    }
    if (!parse_date(field, &date_s)) {
        return false;
    }
    uint64_t wait_s = seconds_from(now_s, date_s);
    *ret_wait_s = wait_s < YEAR_S ? (int64_t)wait_s : YEAR_S;
    return true;
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
