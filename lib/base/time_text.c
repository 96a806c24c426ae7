#include "time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

struct time_text time_text_moment(int64_t time_s)
{
    struct time_text result = {"?"};
    time_t t = (time_t)time_s;
    struct tm tm;
    if (gmtime_r(&t, &tm) != NULL) {
        (void)strftime(result.text, sizeof(result.text), "%Y-%m-%d %H:%M:%S UTC", &tm);
    }
    return result;
}

struct time_text time_text_day(int64_t time_s)
{
    struct time_text result = time_text_moment(time_s);
    result.text[strcspn(result.text, " ")] = '\0';
    return result;
}

struct time_text time_text_span(int64_t seconds)
{
    struct time_text result;
    char *text = result.text;
    size_t size = sizeof(result.text);
    if (seconds >= DAY_S) {
        (void)snprintf(text, size, "%" PRId64 " d %" PRId64 " h", seconds / DAY_S,
                       seconds % DAY_S / HOUR_S);
    } else if (seconds >= HOUR_S) {
        (void)snprintf(text, size, "%" PRId64 " h %" PRId64 " min", seconds / HOUR_S,
                       seconds % HOUR_S / MINUTE_S);
    } else if (seconds >= MINUTE_S) {
        (void)snprintf(text, size, "%" PRId64 " min", seconds / MINUTE_S);
    } else {
        (void)snprintf(text, size, "%" PRId64 " s", seconds);
    }
    return result;
}

struct time_text time_text_from_now(int64_t time_s, int64_t now_s)
{
    struct time_text result = {"now"};
    if (time_s > now_s) {
        (void)snprintf(result.text, sizeof(result.text), "in %.40s",
                       time_text_span(time_s - now_s).text);
    } else if (time_s < now_s) {
        (void)snprintf(result.text, sizeof(result.text), "%.40s ago",
                       time_text_span(now_s - time_s).text);
    }
    return result;
}
