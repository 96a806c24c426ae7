/* What is due when: a binary heap of items that hold their own place in it, O(log n) for every
 * change. Items with equal times come in the order they were put. */
#ifndef ACME_MACHINE_SCHEDULE_H
#define ACME_MACHINE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what is scheduled. Zero-initialised: not in a schedule. */
struct schedule_item {
    size_t place; /* 1-based; 0: not in */
    int64_t due_ms;
    uint64_t turn; /* breaks ties */
};

/* Zero-initialised is empty. */
struct schedule {
    struct schedule_item **items;
    size_t count;
    size_t capacity;
    uint64_t turns;
};

/* Puts ITEM in, or moves it where it is in already. */
void schedule_put(struct schedule *schedule, struct schedule_item *item, int64_t due_ms);
/* Without effect where it is not in. */
void schedule_remove(struct schedule *schedule, struct schedule_item *item);
/* The one due first, or NULL. Stays in. */
struct schedule_item *schedule_first(const struct schedule *schedule);
/* The items are their owners', and not touched: they may be gone already. */
void schedule_clear(struct schedule *schedule);

#endif
