/* The sources of a certificate set, sorted by path: what lies below a directory stands together.
 *
 *     certificate_sources_find(&sources, path)          NULL: not known
 *     certificate_sources_add(&sources, path)           later, when all are listed
 *     certificate_sources_merge(&sources, meet, context)    now; in one pass, however many
 */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_SOURCES_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_SOURCES_H

#include "lib/certificates/live/certificate_source.h"

/* Zero-initialised is empty. */
struct certificate_sources {
    struct certificate_source **items; /* `count` of them; the caller may take some out */
    size_t count;
    size_t capacity;
    char **added; /* not merged yet */
    size_t added_count;
    size_t added_capacity;
};

void certificate_sources_clear(struct certificate_sources *sources);

/* The first that is not before PATH in byte order. */
size_t certificate_sources_lower_bound(const struct certificate_sources *sources, const char *path);
struct certificate_source *certificate_sources_find(const struct certificate_sources *sources,
                                                    const char *path);

/* Takes PATH, which is not found; twice the same is fine. */
void certificate_sources_add(struct certificate_sources *sources, char *path);
/* Makes sources of what was added, and calls MEET for each, in order. */
void certificate_sources_merge(struct certificate_sources *sources,
                               void (*meet)(struct certificate_source *source, void *context),
                               void *context);

#endif
