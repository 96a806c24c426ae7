#include "expiry.h"

#include "lib/base/memory.h"
#include "lib/certificates/lifetime.h"

enum { DAY_S = 86400 };

const int EXPIRY_DAYS[EXPIRY_COUNTS] = {0, 1, 3, 7, 14, 30, 60, 90};

static const struct {
    int64_t left_s; /* at this step; where no lifetime says it */
    const char *left;
} STEPS[EXPIRY_STEPS] = {
    [EXPIRY_THIRD] = {0, "a third of the lifetime"},
    [EXPIRY_14_DAYS] = {(int64_t)14 * DAY_S, "14 days"},
    [EXPIRY_7_DAYS] = {(int64_t)7 * DAY_S, "7 days"},
    [EXPIRY_3_DAYS] = {(int64_t)3 * DAY_S, "3 days"},
    [EXPIRY_1_DAY] = {DAY_S, "1 day"},
    [EXPIRY_PAST] = {-1, "nothing"},
};

enum expiry_step expiry_step_of(const struct expiry_life *life, int64_t now_s)
{
    int64_t left_s = life->not_after_s - now_s;
    int64_t last_s = certificate_lifetime_s(life->not_before_s, life->not_after_s) /
                     (life->renewed_here ? 6 : 3);
    enum expiry_step step = EXPIRY_FAR;
    if (!life->renewed_here && left_s <= last_s) {
        step = EXPIRY_THIRD;
    }
    for (enum expiry_step i = EXPIRY_14_DAYS; i < EXPIRY_STEPS; i++) {
        if (left_s <= STEPS[i].left_s && STEPS[i].left_s <= last_s) {
            step = i;
        }
    }
    return step;
}

const char *expiry_step_left(enum expiry_step step)
{
    return STEPS[step].left;
}

bool expiry_is_within(int64_t not_after_s, int64_t now_s, size_t i)
{
    int64_t left_s = not_after_s - now_s;
    return EXPIRY_DAYS[i] == 0 ? left_s < 0 : left_s < (int64_t)EXPIRY_DAYS[i] * DAY_S;
}

void expiry_news_add(struct expiry_news *news, enum expiry_step step, const char *name, size_t n)
{
    size_t count = news->steps[step].count++;
    char *before = news->steps[step].names;
    if (count < EXPIRY_NAMES) {
        news->steps[step].names = memory_printf("%s%s%.*s", before != NULL ? before : "",
                                                before != NULL ? ", " : "", (int)n, name);
        free(before);
    }
}

void expiry_news_clear(struct expiry_news *news)
{
    for (size_t i = 0; i < EXPIRY_STEPS; i++) {
        free(news->steps[i].names);
    }
    *news = (struct expiry_news){0};
}
