#include "name_map.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "lib/base/memory.h"

enum { SLOTS_FIRST = 64 };

/* The slot that NAME is in, or the free one where it would go. The table is never full. */
static uint32_t *slot_of(const struct name_map *map, struct bytes name)
{
    size_t mask = map->slot_count - 1;
    for (size_t at = XXH3_64bits(name.p, name.n) & mask;; at = (at + 1) & mask) {
        uint32_t position = map->slots[at];
        if (position == 0 || bytes_equal(bytes_of(map->items[position - 1].name), name)) {
            return &map->slots[at];
        }
    }
}

static void fill_slots(struct name_map *map)
{
    memset(map->slots, 0, map->slot_count * sizeof(map->slots[0]));
    for (size_t i = 0; i < map->count; i++) {
        *slot_of(map, bytes_of(map->items[i].name)) = (uint32_t)i + 1;
    }
}

struct name_map_item *name_map_find(const struct name_map *map, struct bytes name)
{
    if (map->count == 0) {
        return NULL;
    }
    uint32_t position = *slot_of(map, name);
    return position != 0 ? &map->items[position - 1] : NULL;
}

struct name_map_item *name_map_add(struct name_map *map, struct bytes name)
{
    struct name_map_item *found = name_map_find(map, name);
    if (found != NULL) {
        return found;
    }
    ARRAY_GROW(map->items, map->count, map->capacity);
    assert(map->items != NULL);
    map->items[map->count++] = (struct name_map_item){memory_string_of(name), 0};
    if (2 * map->count > map->slot_count) {
        map->slot_count = map->slot_count != 0 ? 2 * map->slot_count : SLOTS_FIRST;
        map->slots = memory_resize(map->slots, map->slot_count, sizeof(map->slots[0]));
        fill_slots(map);
    } else {
        *slot_of(map, name) = (uint32_t)map->count;
    }
    return &map->items[map->count - 1];
}

static int by_name(const void *left, const void *right)
{
    const struct name_map_item *a = left;
    const struct name_map_item *b = right;
    return strcmp(a->name, b->name);
}

void name_map_sort(struct name_map *map)
{
    if (map->count != 0) {
        qsort(map->items, map->count, sizeof(map->items[0]), by_name);
        fill_slots(map);
    }
}

void name_map_clear(struct name_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].name);
    }
    free(map->items);
    free(map->slots);
    *map = (struct name_map){0};
}
