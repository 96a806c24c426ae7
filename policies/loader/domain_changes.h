/* Domains whose serving changed, in the order of the changes, until somebody is told. */
#ifndef POLICIES_LOADER_DOMAIN_CHANGES_H
#define POLICIES_LOADER_DOMAIN_CHANGES_H

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

struct domain_change {
    char *domain;
    bool gone;
};

/* Zero-initialised is empty. */
struct domain_changes {
    struct domain_change *items;
    size_t count;
    size_t capacity;
};

void domain_changes_add(struct domain_changes *changes, struct bytes domain, bool gone);
/* Calls TELL for each and leaves *CHANGES empty. TELL does not touch *CHANGES. */
void domain_changes_tell(struct domain_changes *changes,
                         void (*tell)(struct bytes domain, bool gone, void *context),
                         void *context);
void domain_changes_clear(struct domain_changes *changes);

#endif
