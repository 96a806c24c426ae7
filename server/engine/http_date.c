#include "http_date.h"

#include <stdio.h>
#include <time.h>

struct bytes http_date_text(struct http_date *date, int64_t wall_s)
{
    /* Not by strftime: its names are the locale's. */
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (date->wall_s != wall_s || date->text[0] == '\0') {
        time_t seconds = wall_s;
        struct tm utc;
        gmtime_r(&seconds, &utc);
        (void)snprintf(date->text, sizeof(date->text), "%s, %02u %s %04u %02u:%02u:%02u GMT",
                       days[utc.tm_wday], (unsigned)utc.tm_mday % 100, months[utc.tm_mon],
                       (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
                       (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
        date->wall_s = wall_s;
    }
    return (struct bytes){date->text, HTTP_DATE_LENGTH};
}
