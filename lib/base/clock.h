/* The two clocks. Parsers and decisions take the time as a parameter instead of asking here. */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, seconds since 1970 UTC; may jump. */
int64_t clock_wall_s(void);

/* Milliseconds since some moment; never goes back. For timeouts and intervals. */
int64_t clock_monotonic_ms(void);

/* Both of a moment, for what is told the time and goes by both. */
struct clock_moment {
    int64_t monotonic_ms;
    int64_t wall_s;
};
struct clock_moment clock_now(void);

#endif
