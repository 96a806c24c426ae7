#include "domain_changes.h"

void domain_changes_add(struct domain_changes *changes, struct bytes domain, bool gone)
{
    ARRAY_GROW(changes->items, changes->count, changes->capacity);
    changes->items[changes->count++] = (struct domain_change){memory_string_of(domain), gone};
}

void domain_changes_tell(struct domain_changes *changes,
                         void (*tell)(struct bytes domain, bool gone, void *context), void *context)
{
    for (size_t i = 0; i < changes->count; i++) {
        tell(bytes_of(changes->items[i].domain), changes->items[i].gone, context);
    }
    domain_changes_clear(changes);
}

void domain_changes_clear(struct domain_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].domain);
    }
    free(changes->items);
    *changes = (struct domain_changes){0};
}
