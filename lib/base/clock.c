#include "clock.h"

#include <time.h>

int64_t clock_wall_s(void)
{
    return (int64_t)time(NULL);
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct clock_moment clock_now(void)
{
    return (struct clock_moment){clock_monotonic_ms(), clock_wall_s()};
}
