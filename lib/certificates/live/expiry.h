/* How near to its end a certificate is, in steps that are each worth a line in the log: a third of
 * its lifetime is left, then 14, 7, 3 and 1 days, those of them that lie within that third, then
 * none. Pure.
 *
 * One that this server renews itself (ACME) makes no noise while that goes well: it is renewed when
 * a third of its lifetime is left, or somewhat before, so its steps are those that lie within the
 * last sixth. */
#ifndef LIB_CERTIFICATES_LIVE_EXPIRY_H
#define LIB_CERTIFICATES_LIVE_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum expiry_step {
    EXPIRY_FAR,
    EXPIRY_THIRD,
    EXPIRY_14_DAYS,
    EXPIRY_7_DAYS,
    EXPIRY_3_DAYS,
    EXPIRY_1_DAY,
    EXPIRY_PAST,
    EXPIRY_STEPS,
};

struct expiry_life {
    int64_t not_before_s;
    int64_t not_after_s;
    bool renewed_here;
};

/* The last step that NOW_S, by the wall clock, has passed. */
enum expiry_step expiry_step_of(const struct expiry_life *life, int64_t now_s);

/* What is left at that step, to be shown: "14 days". Not of EXPIRY_FAR. */
const char *expiry_step_left(enum expiry_step step);

/* What is counted for `status` and the metrics: ends within so many days. Nearest first. */
enum { EXPIRY_COUNTS = 8 };
extern const int EXPIRY_DAYS[EXPIRY_COUNTS]; /* 0: has ended */

/* Whether what ends at NOT_AFTER_S counts under EXPIRY_DAYS[I]. */
bool expiry_is_within(int64_t not_after_s, int64_t now_s, size_t i);

/* --- What passed a step since it was asked last --- */

enum { EXPIRY_NAMES = 5 }; /* told of one step, however many passed it */

/* Zero-initialised is empty. */
struct expiry_news {
    struct {
        size_t count;
        char *names; /* the first of them: "a.example, b.example" */
    } steps[EXPIRY_STEPS];
};

void expiry_news_add(struct expiry_news *news, enum expiry_step step, const char *name, size_t n);
void expiry_news_clear(struct expiry_news *news);

#endif
