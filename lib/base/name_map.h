/* Names to numbers, for "was this one there already?" among up to a million: an array of items in
 * the order added, and a hash table of their positions. */
#ifndef LIB_BASE_NAME_MAP_H
#define LIB_BASE_NAME_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct name_map_item {
    char *name;
    size_t value;
};

/* Zero-initialised is empty. */
struct name_map {
    struct name_map_item *items;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* 1 + position in `items`; 0: free */
    size_t slot_count;
};

/* NULL where it is missing. Valid until the next add or sort. */
struct name_map_item *name_map_find(const struct name_map *map, struct bytes name);
/* The item of NAME, made with value 0 where it is missing. */
struct name_map_item *name_map_add(struct name_map *map, struct bytes name);
/* Puts `items` into byte order of their names. */
void name_map_sort(struct name_map *map);
void name_map_clear(struct name_map *map);

#endif
