/* The ACME client's store (acme/store/acme_store.h) of the server that the configuration describes,
 * for commands that look into it or add to it, whether that server runs or not. */
#ifndef PUBLISH_CERTIFICATES_STATE_STORE_H
#define PUBLISH_CERTIFICATES_STATE_STORE_H

#include "acme/store/acme_store.h"
#include "config/settings.h"

/* STATE/acme.db; the caller frees it. */
char *state_store_path(const struct settings *settings);

/* ERROR_NOT_FOUND, with words for the user, where there is none yet. */
bool state_store_open(const struct settings *settings, struct acme_store **ret_store,
                      struct error *e) MUST_USE;

/* As above, but makes it (and the state directory) where it is missing, as the server would: owned
 * as the directory is, so that a server that runs as another user can use what root began. */
bool state_store_make(const struct settings *settings, struct acme_store **ret_store,
                      struct error *e) MUST_USE;

static inline void state_store_cleanup(struct acme_store **store)
{
    acme_store_close(*store);
}
#define CLEANUP_STORE CLEANUP(state_store_cleanup)

#endif
