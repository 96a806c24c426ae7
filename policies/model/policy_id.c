#include "policy_id.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TIME_DIGITS = POLICY_ID_MADE - POLICY_ID_DIGEST };

/* 9999-12-31T23:59:59Z: the last second that fits into fourteen digits. */
static const int64_t last_time_s = INT64_C(253402300799);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_lower_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static void append_hex(char *at, const struct policy *policy, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i++) {
        unsigned char octet = policy->digest[i / 2];
        at[i] = hex[i % 2 == 0 ? octet >> 4 : octet & 15];
    }
    at[digits] = '\0';
}

bool policy_id_is_valid(struct bytes id)
{
    for (size_t i = 0; i < id.n; i++) {
        if (!is_digit(id.p[i]) && !is_letter(id.p[i])) {
            return false;
        }
    }
    return id.n >= 1 && id.n <= POLICY_ID_MAX;
}

static int digits_value(const char *p, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

static void format_time(int64_t time_s, char text[TIME_DIGITS + 1])
{
    time_t t = (time_t)time_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    /* Wide enough for any int, so that the compiler can see that nothing is cut. */
    char wide[6 * 12];
    (void)snprintf(wide, sizeof(wide), "%04d%02d%02d%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(text, wide, TIME_DIGITS);
    text[TIME_DIGITS] = '\0';
}

bool policy_id_time(struct bytes id, int64_t *ret_time_s)
{
    if (id.n != POLICY_ID_MADE) {
        return false;
    }
    for (size_t i = 0; i < id.n; i++) {
        if (i < TIME_DIGITS ? !is_digit(id.p[i]) : !is_lower_hex(id.p[i])) {
            return false;
        }
    }
    struct tm tm = {
        .tm_year = digits_value(id.p, 4) - 1900,
        .tm_mon = digits_value(id.p + 4, 2) - 1,
        .tm_mday = digits_value(id.p + 6, 2),
        .tm_hour = digits_value(id.p + 8, 2),
        .tm_min = digits_value(id.p + 10, 2),
        .tm_sec = digits_value(id.p + 12, 2),
    };
    int64_t time_s = timegm(&tm);
    /* timegm() takes 31 February for 3 March: a valid time is one that prints back the same. */
    char back[TIME_DIGITS + 1];
    format_time(time_s, back);
    if (memcmp(back, id.p, TIME_DIGITS) != 0) {
        return false;
    }
    *ret_time_s = time_s;
    return true;
}

enum policy_id_state policy_id_judge(struct bytes id, const struct policy *policy)
{
    int64_t time_s = 0;
    if (id.n == 0) {
        return POLICY_ID_ABSENT;
    }
    if (!policy_id_time(id, &time_s)) {
        return POLICY_ID_FOREIGN;
    }
    char digest[POLICY_ID_DIGEST + 1];
    append_hex(digest, policy, POLICY_ID_DIGEST);
    bool same = memcmp(id.p + TIME_DIGITS, digest, POLICY_ID_DIGEST) == 0;
    return same ? POLICY_ID_CURRENT : POLICY_ID_STALE;
}

void policy_id_make(const struct policy *policy, int64_t now_s, struct bytes old,
                    struct policy_id *ret_id)
{
    int64_t time_s = now_s > 0 ? now_s : 0;
    int64_t old_s = 0;
    if (policy_id_time(old, &old_s) && old_s + 1 > time_s) {
        time_s = old_s + 1; /* the clock stepped back, or two edits in one second */
    }
    if (time_s > last_time_s) {
        time_s = last_time_s;
    }
    format_time(time_s, ret_id->text);
    append_hex(ret_id->text + TIME_DIGITS, policy, POLICY_ID_DIGEST);
}

void policy_id_for_record(struct bytes id, const struct policy *policy, struct policy_id *ret_id)
{
    if (id.n == 0) {
        append_hex(ret_id->text, policy, POLICY_ID_DERIVED);
        return;
    }
    size_t n = id.n < POLICY_ID_MAX ? id.n : POLICY_ID_MAX;
    memcpy(ret_id->text, id.p, n);
    ret_id->text[n] = '\0';
}
