/* Moments and spans of time in words for people. */
#ifndef LIB_BASE_TIME_TEXT_H
#define LIB_BASE_TIME_TEXT_H

#include <stdint.h>

struct time_text {
    char text[48];
};

/* "2026-11-24 10:48:57 UTC" */
struct time_text time_text_moment(int64_t time_s);
/* "2026-11-24" */
struct time_text time_text_day(int64_t time_s);
/* "3 d 4 h", "5 min", "12 s": the largest units that say enough. */
struct time_text time_text_span(int64_t seconds);
/* A span from NOW_S: "in 5 min", "5 min ago", "now". */
struct time_text time_text_from_now(int64_t time_s, int64_t now_s);

#endif
