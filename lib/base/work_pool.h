/* A few threads for work that waits (DNS, other programs), so that an event loop need not.
 *
 *     work_pool_add(pool, look_up, request);     // runs on one of the threads; hands its result
 *                                                // back by itself, through a mailbox
 *
 * Work of one lane runs in the order it was added. What may take long goes into the slow lane,
 * which has half of the threads at most: however much of it there is, the other half does quick
 * work. */
#ifndef LIB_BASE_WORK_POOL_H
#define LIB_BASE_WORK_POOL_H

#include <stddef.h>

#include "lib/base/error.h"

struct work_pool;

enum work_lane { WORK_QUICK, WORK_SLOW, WORK_LANES };

/* NAME (at most 12 octets) is that of its threads. All signals are blocked in them. */
bool work_pool_new(const char *name, size_t threads, struct work_pool **ret_pool, struct error *e)
    MUST_USE;
/* Waits for the work under way; for what has not begun calls DROP(context) where it is not NULL.
 * NULL is fine. */
void work_pool_free(struct work_pool *pool);

/* Any thread. RUN or DROP is called once. */
void work_pool_add_to(struct work_pool *pool, enum work_lane lane, void (*run)(void *context),
                      void (*drop)(void *context), void *context);
/* The same, to the quick lane. */
void work_pool_add(struct work_pool *pool, void (*run)(void *context), void (*drop)(void *context),
                   void *context);
/* Added and not yet begun. */
size_t work_pool_waiting(struct work_pool *pool);

#endif
