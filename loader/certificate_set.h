/* The certificate trees as they stand: told which paths changed, reads those pairs and publishes
 * them into the table. A pair that cannot be read or does not match keeps its last good version
 * served and is reported with both paths. No threads, no clock. */
#ifndef LOADER_CERTIFICATE_SET_H
#define LOADER_CERTIFICATE_SET_H

#include "base/diagnostics.h"
#include "certificates/certificate_table.h"
#include "watch/watch.h"

struct certificate_set;

struct certificate_set *certificate_set_new(const char *const *paths, size_t path_count,
                                            struct certificate_table *table);
void certificate_set_free(struct certificate_set *set);

/* Returns how many pairs were published or taken away. Only files whose identity changed are read
 * again. */
size_t certificate_set_apply(struct certificate_set *set, const struct watch_changes *changes);

void certificate_set_diagnostics(const struct certificate_set *set, struct diagnostics *d);
void certificate_set_new_diagnostics(struct certificate_set *set, struct diagnostics *d);

/* How many problems there are now. */
size_t certificate_set_problems(const struct certificate_set *set);

/* Calls VISIT for each pair served. */
void certificate_set_each(const struct certificate_set *set,
                          void (*visit)(const struct certificate_pair *pair, void *context),
                          void *context);

#endif
