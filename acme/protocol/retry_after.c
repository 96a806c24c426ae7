#include "retry_after.h"

#include <time.h>

#include <curl/curl.h>

enum {
    YEAR_S = 365 * 86400,
    HTTP_DATE_MAX = 64, /* octets; the longest form of RFC 9110 §5.6.7 has 33 */
};

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
    field = bytes_trim(field);
    if (parse_delay(field, ret_wait_s)) {
        return true;
    }
    if (!parse_date(field, &date_s)) {
        return false;
    }
    /* Unsigned, as it may be more than an int64_t holds. */
    uint64_t wait_s = date_s > now_s ? (uint64_t)date_s - (uint64_t)now_s : 0;
    *ret_wait_s = wait_s < YEAR_S ? (int64_t)wait_s : YEAR_S;
    return true;
}
