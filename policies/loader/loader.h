/* The loader thread: takes what lib/watch/ saw to policies and certificates, and is the only writer
 * of both. Everything it publishes is immutable.
 *
 *     loader_start(settings, log, &tables, &hooks, &loader, &e)
 *     … workers read tables.policies and tables.certificates, where more and more stands …
 *     hooks.loaded(NULL, context)                 the first load is over
 *     loader_reload(loader, &(struct loader_accept){0}, done, context)
 *     … loader_stop(loader)
 */
#ifndef POLICIES_LOADER_LOADER_H
#define POLICIES_LOADER_LOADER_H

#include "config/settings.h"
#include "lib/base/diagnostics.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/certificates/certificate_table.h"
#include "lib/certificates/live/certificate_set.h"
#include "lib/certificates/live/expiry.h"
#include "policies/live/policy_set.h"
#include "policies/loader/concerns.h"
#include "policies/model/policy_index.h"

struct loader;

/* What is served. Made and freed by the server, written by the loader alone. Until the first load
 * is over a name that is not there may still come: readers look at these. */
struct loader_tables {
    struct policy_index *policies;
    struct certificate_table *certificates;
    _Atomic bool policies_known;       /* set by the loader */
    _Atomic bool certificates_known;   /* set by the server, who may have some of its own */
    _Atomic size_t files_without_good; /* files in error with nothing good in their place; set by
                                          the loader */
};

/* Called on the loader thread. Each may be NULL. */
struct loader_hooks {
    /* Once the change is visible to readers: DOMAIN is served now, or by another policy, or no more
     * (GONE). Not for what the first load brings, nor for the domains that use a shared policy
     * whose text changes. */
    void (*domain_changed)(struct bytes domain, bool gone, void *context);
    /* Once: the first load is over. FAILURE (valid during the call) where there is nothing to
     * serve: no policy path can be read, and there is no last good copy either. Then nothing was
     * published, and the loader works no more. Not where the load was abandoned. */
    void (*loaded)(const struct error *failure, void *context);
    /* The domains whose policies shared policies follow, all of them, each time they are others
     * than before, and before `loaded` where there are any; valid during the call. */
    void (*mirrors_changed)(const struct policy_set_mirrors *mirrors, void *context);
    void *context;
};

/* SETTINGS, LOG and TABLES are borrowed; HOOKS are copied, NULL: none. The first load goes on when
 * it returns: policies first, then certificates, each in its table as soon as it is read. */
bool loader_start(const struct settings *settings, struct log *log, struct loader_tables *tables,
                  const struct loader_hooks *hooks, struct loader **ret_loader, struct error *e)
    MUST_USE;
/* A first load under way ends soon, at whatever it has got to; without effect where it is over. For
 * who wants to end and has something to do before loader_stop. */
void loader_abandon_load(struct loader *loader);
/* Ends the thread, and a first load as above; tables stay as they are. NULL is fine. At the end of
 * the process: what was loaded may be left to that (MEMORY_FREED_AT_END). */
void loader_stop(struct loader *loader);

/* How far the first load has come. Any thread. */
struct loader_progress {
    bool policies_known;
    size_t domains;      /* 0 until policies are known */
    size_t certificates; /* of certificates_total, which grows until all are listed */
    size_t certificates_total;
    bool loaded;
};
void loader_progress(const struct loader *loader, struct loader_progress *ret_progress);

/* Monotonic milliseconds of the last sign of life: of each turn of the thread's loop, and of each
 * step of long work. Any thread, as loader_nudge, which asks for a turn. */
int64_t loader_beat_ms(const struct loader *loader);
void loader_nudge(struct loader *loader);

enum { LOADER_STATUS_NAMES = 100 };

struct loader_certificate {
    char *name; /* its first name */
    char *path;
    int64_t not_after_s;
    bool from_files; /* else by ACME */
};

/* What only a look at every domain and every certificate tells. */
struct loader_findings {
    size_t certificates;              /* from files */
    size_t names_with_certificate;    /* served domains whose mta-sts.DOMAIN has one, of whatever
                                         source */
    size_t names_without_certificate; /* served domains whose mta-sts.DOMAIN has none */
    char *without_certificate[LOADER_STATUS_NAMES]; /* the first of them */
    size_t without_certificate_count;
    struct loader_certificate expiring[LOADER_STATUS_NAMES]; /* nearest expiry first */
    size_t expiring_count;
    /* Of those that are chosen for a name: how many end within EXPIRY_DAYS[i], wherever they come
     * from, when the first from a file does, and when the first of all; 0: there is none. */
    size_t ending[EXPIRY_COUNTS];
    int64_t nearest_expiry_s;
    int64_t nearest_of_all_s;
    struct concerns concerns;
};

/* Removals that are held and meant: those of files at or below PATHS, or all. */
struct loader_accept {
    char **paths; /* owned */
    size_t count; /* 0: all */
};
void loader_accept_add(struct loader_accept *accept, const char *path);
/* What MORE accepts as well, *INTO does then; either may be NULL, for nothing. */
void loader_accept_merge(struct loader_accept **into, const struct loader_accept *more);
void loader_accept_clear(struct loader_accept *accept);
void loader_accept_free(struct loader_accept *accept); /* NULL is fine */

/* An immutable picture for `status`; free with loader_status_free. It is taken in slices, so that
 * no change waits for it: at a million domains a second passes from question to answer. */
struct loader_status {
    struct policy_set_counts counts;
    struct diagnostics diagnostics;   /* all that is wrong now … */
    size_t certificates_in_error;     /* … and how much of it is about certificates */
    struct certificate_denied denied; /* of these; one of the diagnostics */
    struct loader_findings found;
    int64_t last_change_s; /* wall clock of the last publication */
    uint64_t reloads;
    struct loader_accept not_held; /* of a reload: what it was to accept and found nothing at */
    bool remembered;               /* this process has written down all that it serves */
    char *memory_problem;          /* why what is served cannot be remembered; NULL: it can be */
};
void loader_status_free(struct loader_status *status);

/* Any thread: whether the history (policies/memory/history.h) has all that was served until now;
 * not before the first load is noted there, a moment after it is over. */
bool loader_history_is_written(const struct loader *loader);

/* The three below may be called from any thread. DONE does not run once loader_stop was called;
 * else it runs on the loader thread once the answer stands, after the first load at the soonest:
 * hand it to your own thread from there. */

/* Rescans everything, publishes, applies what ACCEPT (copied; NULL: nothing) says of what is held
 * then, and then DONE. The result is the set's; STATUS has no more than counts, diagnostics and
 * `not_held`. */
void loader_reload(struct loader *loader, const struct loader_accept *accept,
                   void (*done)(const struct policy_set_result *result,
                                struct loader_status *status, void *context), /* takes STATUS */
                   void *context);
void loader_ask_status(struct loader *loader,
                       void (*done)(struct loader_status *status, void *context), void *context);
/* DONE when all that the calling thread has asked for is done. */
void loader_catch_up(struct loader *loader, void (*done)(void *context), void *context);

/* Any thread: NEW into the table, then OLD out of it, so that their names are never without; either
 * may be NULL. Takes both references. For certificates that come from nowhere in `certificates`. */
void loader_swap_certificate(struct loader *loader, struct certificate_pair *new,
                             struct certificate_pair *old);

/* Any thread, after the first load: POLICY (taken) is what DOMAIN, which shared policies follow,
 * serves itself now (policy_set_put_mirror). */
void loader_put_mirror(struct loader *loader, const char *domain, struct policy *policy);

/* New settings after SIGHUP (those that need no restart): borrowed, must outlive the loader or the
 * next call. */
void loader_apply_settings(struct loader *loader, const struct settings *settings);

#endif
