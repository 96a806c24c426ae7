#include "pace.h"

enum { DOUBLINGS_MAX = 16, SECOND_MS = 1000 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool pace_fetch_is_due(const struct settings_mirror *pace, const struct pace_known *known,
                       int64_t now_s)
{
    int64_t age_s = now_s - known->fetched_s;
    int64_t after_s = least(pace->fetch_ms / SECOND_MS, known->max_age_s / 2);
    return !known->has_policy || age_s < 0 || age_s >= after_s; /* < 0: the clock was set back */
}

static int64_t steady_ms(const struct settings_mirror *pace, const struct pace_known *known)
{
    int64_t half_ms = (int64_t)known->max_age_s / 2 * SECOND_MS;
    return known->has_policy ? least(pace->look_ms, most(half_ms, PACE_AGAIN_MIN_MS))
                             : pace->look_ms;
}

static int64_t again_ms(const struct settings_mirror *pace, const struct pace_known *known)
{
    unsigned doublings = known->failures - 1 < DOUBLINGS_MAX ? known->failures - 1 : DOUBLINGS_MAX;
    int64_t wait_ms = least(pace->look_ms, PACE_AGAIN_MIN_MS) << doublings;
    int64_t max_ms =
        known->has_policy ? most(pace->look_ms, PACE_AGAIN_MAX_MS) : PACE_WITHOUT_MAX_MS;
    return least(wait_ms, max_ms);
}

int64_t pace_wait_ms(const struct settings_mirror *pace, const struct pace_known *known,
                     uint32_t chance)
{
    int64_t wait_ms = known->failures != 0 ? again_ms(pace, known) : steady_ms(pace, known);
    int64_t tenth_ms = wait_ms / 10;
    return wait_ms - tenth_ms + chance % (2 * tenth_ms + 1);
}

int64_t pace_first_wait_ms(const struct pace_known *known, uint32_t chance)
{
    return known->has_policy ? chance % PACE_SPREAD_MS : 0;
}
