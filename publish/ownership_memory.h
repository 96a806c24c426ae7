/* Who has names, by what a server left under `state` (policies/memory/served_memory.h): where none
 * answers, the files are still judged by what was served. Nothing is locked or made there. */
#ifndef PUBLISH_OWNERSHIP_MEMORY_H
#define PUBLISH_OWNERSHIP_MEMORY_H

#include "policies/files/catalogue.h"

/* What owners point into; zero-initialised is empty. */
struct ownership_memory {
    char **texts;
    size_t count;
    size_t capacity;
};

/* Fills in those of OWNERS (catalogue_options.owners_of) that the memory in STATE knows. False: it
 * cannot be read, and E says why: ERROR_NOT_FOUND where there is none. */
bool ownership_memory_ask(struct ownership_memory *memory, const char *state,
                          const struct bytes *names, size_t count, struct catalogue_owner *owners,
                          struct error *e) MUST_USE;
void ownership_memory_clear(struct ownership_memory *memory);

#endif
