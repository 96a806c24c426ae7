#include "schedule.h"

#include <assert.h>

#include "lib/base/memory.h"

static bool comes_before(const struct schedule_item *a, const struct schedule_item *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->turn < b->turn;
}

/* Places are counted from 1, so that the parent of N is N / 2. */
static void set(struct schedule *schedule, size_t place, struct schedule_item *item)
{
    schedule->items[place - 1] = item;
    item->place = place;
}

static void move_up(struct schedule *schedule, struct schedule_item *item)
{
    size_t place = item->place;
    while (place > 1 && comes_before(item, schedule->items[place / 2 - 1])) {
        set(schedule, place, schedule->items[place / 2 - 1]);
        place /= 2;
    }
    set(schedule, place, item);
}

static void move_down(struct schedule *schedule, struct schedule_item *item)
{
    size_t place = item->place;
    while (place * 2 <= schedule->count) {
        size_t child = place * 2;
        if (child < schedule->count &&
            comes_before(schedule->items[child], schedule->items[child - 1])) {
            child++;
        }
        if (!comes_before(schedule->items[child - 1], item)) {
            break;
        }
        set(schedule, place, schedule->items[child - 1]);
        place = child;
    }
    set(schedule, place, item);
}

static void append(struct schedule *schedule, struct schedule_item *item)
{
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(schedule->items, schedule->count, schedule->capacity);
    set(schedule, ++schedule->count, item);
}

void schedule_put(struct schedule *schedule, struct schedule_item *item, int64_t due_ms)
{
    item->due_ms = due_ms;
    item->turn = schedule->turns++;
    if (item->place == 0) {
        append(schedule, item);
    }
    assert(schedule->items[item->place - 1] == item);
    move_up(schedule, item);
    move_down(schedule, item);
}

void schedule_remove(struct schedule *schedule, struct schedule_item *item)
{
    if (item->place == 0) {
        return;
    }
    assert(schedule->items[item->place - 1] == item);
    struct schedule_item *last = schedule->items[--schedule->count];
    if (last != item) { /* the last one fills the hole */
        set(schedule, item->place, last);
        move_up(schedule, last);
        move_down(schedule, last);
    }
    item->place = 0;
}

struct schedule_item *schedule_first(const struct schedule *schedule)
{
    return schedule->count != 0 ? schedule->items[0] : NULL;
}

void schedule_clear(struct schedule *schedule)
{
    free(schedule->items);
    *schedule = (struct schedule){0};
}
