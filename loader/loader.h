/* The loader thread: takes what `watch/` saw to policies and certificates, and is the only writer
 * of both. Everything it publishes is immutable.
 *
 *     loader_start(settings, log, &tables, NULL, &loader, &e)
 *     … workers read tables.policies and tables.certificates …
 *     loader_reload(loader, LOADER_RELOAD_ACCEPT_REMOVALS, done, context)
 *     … loader_stop(loader)
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "base/diagnostics.h"
#include "base/log.h"
#include "certificates/certificate_table.h"
#include "config/settings.h"
#include "loader/policy_set.h"
#include "policies/policy_index.h"

struct loader;

/* What is served. Made and freed by the server, written by the loader alone. */
struct loader_tables {
    struct policy_index *policies;
    struct certificate_table *certificates;
};

/* Called on the loader thread, once the change is visible to readers: DOMAIN is served now, or by
 * another policy, or no more (GONE). Not for what the first load brings, nor for the domains that
 * use a shared policy whose text changes. May be NULL. */
struct loader_hooks {
    void (*domain_changed)(struct bytes domain, bool gone, void *context);
    void *context;
};

/* SETTINGS, LOG and TABLES are borrowed; HOOKS are copied, NULL: none. Loads everything before it
 * returns. Fails where no policy path can be read and there is no last good copy either. */
bool loader_start(const struct settings *settings, struct log *log,
                  const struct loader_tables *tables, const struct loader_hooks *hooks,
                  struct loader **ret_loader, struct error *e) MUST_USE;
/* Ends the thread; tables stay as they are. */
void loader_stop(struct loader *loader);

/* An immutable picture for `status`; free with loader_status_free. */
struct loader_status {
    struct policy_set_counts counts;
    struct diagnostics diagnostics; /* all that is wrong now */
    size_t certificates;
    size_t names_without_certificate; /* served domains whose mta-sts.DOMAIN has none */
    char **without_certificate;       /* the first LOADER_STATUS_NAMES of them */
    size_t without_certificate_count;
    struct loader_certificate *expiring; /* nearest expiry first, at most LOADER_STATUS_NAMES */
    size_t expiring_count;
    int64_t last_change_s; /* wall clock of the last publication */
    uint64_t reloads;
};
struct loader_certificate {
    char *name; /* its first name */
    char *path;
    int64_t not_after_s;
};
enum { LOADER_STATUS_NAMES = 100 };
void loader_status_free(struct loader_status *status);

enum loader_reload_flags { LOADER_RELOAD_ACCEPT_REMOVALS = 1 };

/* Any thread: whether the history (store/history.h) has all that was served until now. */
bool loader_history_is_written(const struct loader *loader);

/* Both below may be called from any thread. DONE does not run once loader_stop was called; else it
 * runs on the loader thread once the answer stands: hand it to your own thread from there. */

/* Rescans everything, publishes, then DONE. The result is the set's. */
void loader_reload(struct loader *loader, unsigned flags,
                   void (*done)(const struct policy_set_result *result,
                                struct loader_status *status, void *context), /* takes STATUS */
                   void *context);
void loader_ask_status(struct loader *loader,
                       void (*done)(struct loader_status *status, void *context), void *context);

/* Any thread: NEW into the table, then OLD out of it, so that their names are never without; either
 * may be NULL. Takes both references. For certificates that come from nowhere in `certificates`;
 * `status` does not list them. */
void loader_swap_certificate(struct loader *loader, struct certificate_pair *new,
                             struct certificate_pair *old);
/* Waits until all that the calling thread has asked for is done. Just after the start that may take
 * seconds, where a million names are noted. */
void loader_catch_up(struct loader *loader);

/* New settings after SIGHUP (those that need no restart): borrowed, must outlive the loader or the
 * next call. */
void loader_apply_settings(struct loader *loader, const struct settings *settings);

#endif
