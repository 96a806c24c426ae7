/* Who has names that two policy files claim: asked of the server that the configuration describes,
 * by its control socket; where none answers, of what one left under `state`
 * (publish/ownership_memory.h); else nobody knows. For catalogue_options.owners_of. */
#ifndef PUBLISH_OWNERSHIP_SOURCE_H
#define PUBLISH_OWNERSHIP_SOURCE_H

#include <jansson.h>

#include "config/settings.h"
#include "policies/files/catalogue.h"
#include "publish/ownership_memory.h"

struct ownership_source {
    const struct settings *settings;
    json_t *replies;                /* that owners point into, … */
    struct ownership_memory memory; /* … and this, too */
    char *why; /* why neither a server nor a memory that is there tells; owned; or NULL */
};

/* CONTEXT is a struct ownership_source. */
void ownership_source_ask(const struct bytes *names, size_t count, struct catalogue_owner *owners,
                          void *context);
void ownership_source_clear(struct ownership_source *source);

#endif
