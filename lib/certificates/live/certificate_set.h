/* The certificate trees as they stand: told which paths changed, reads those pairs and publishes
 * them into the table. A pair that cannot be read or does not match keeps its last good version
 * served and is reported with both paths; so does one that is not valid while the last one is, and
 * that is judged again when time may have changed it (lib/certificates/live/certificate_verdict.h).
 *
 * A pair whose files somebody is still writing is not judged: it is handed to an apply again when
 * they are closed. Where nobody tells (`untold`, WATCH_UNTOLD), one that would take the place of
 * another is judged when its files are the same in two looks `settle_ms` apart. Two files are
 * replaced one after the other, so that they do not match in between: trouble is told once it has
 * lasted for `settle_ms`. Where somebody asked for a rescan (`untold` is not set), what is closed
 * counts and is told at once.
 *
 * One that is
 * gone is taken out of use after a while, unless so many go that it looks like a mistake: then they
 * stay until that is accepted. The first apply publishes pairs before their keys are proven to be
 * undamaged, and proves them before it returns (lib/certificates/live/certificate_set_first.c). No
 * clock, and threads only while many pairs are looked at (lib/base/parallel.h). */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_SET_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_SET_H

#include "lib/base/clock.h"
#include "lib/base/diagnostics.h"
#include "lib/certificates/certificate_table.h"
#include "lib/watch/watch.h"

struct certificate_set;

struct certificate_set_options {
    const char *const *paths; /* directories or files: the tops */
    size_t path_count;
    int64_t vanish_ms;       /* a pair must be gone this long before it is taken out of use */
    int64_t removal_percent; /* more than this at once … */
    int64_t removal_pairs;   /* … and at least so many, or all of them: held */
    int64_t settle_ms;       /* see above */
    /* What the watch tells of a path, on the thread that applies. NULL: all are whole. */
    enum watch_writing (*writing)(const char *path, void *context);
    void *writing_context;
    /* Asked at each pair that is looked at, on the thread that applies: true ends an apply early,
     * after which the set is good only for certificate_set_free. May be NULL. */
    bool (*abandoned)(void *context);
    void *abandoned_context;
    const char *snapshot; /* what an earlier process saved (lib/certificates/snapshot_writer.h): the
                             first apply need not read what it has; NULL: none */
};

struct certificate_set *certificate_set_new(const struct certificate_set_options *options,
                                            struct certificate_table *table);
/* Takes over all but the paths. */
void certificate_set_set_limits(struct certificate_set *set,
                                const struct certificate_set_options *options);
void certificate_set_free(struct certificate_set *set);

/* Returns how many pairs were published or taken away. Only files whose identity changed are read
 * again; paths that are not below a top are passed over. */
size_t certificate_set_apply(struct certificate_set *set, const struct watch_changes *changes,
                             struct clock_moment now);

/* Finds what there is, and reads none of it: what the first apply begins with, where this was not
 * called before. On any one thread, while nobody calls anything but certificate_set_progress. */
void certificate_set_find(struct certificate_set *set);

/* How many pairs the first apply has looked at, of how many it has found so far. Any thread. */
void certificate_set_progress(const struct certificate_set *set, size_t *ret_done,
                              size_t *ret_total);

/* Pairs served that the snapshot does not have as they are, and those that it has in vain; since
 * the last certificate_set_save. */
size_t certificate_set_unsaved(const struct certificate_set *set);
/* What a snapshot is to have: pairs in the order of their paths, with a reference to each, in an
 * array that the caller frees. */
struct certificate_pair **certificate_set_save(struct certificate_set *set, size_t *ret_count);

/* When apply wants to be called again though nothing changed, by the monotonic clock; -1: never. */
int64_t certificate_set_next_due_ms(const struct certificate_set *set);

/* Takes away what is gone at or below PATH (NULL: anywhere), held or not; as apply. NOW_MS is the
 * monotonic clock. */
size_t certificate_set_accept_removals(struct certificate_set *set, const char *path,
                                       int64_t now_ms);

void certificate_set_diagnostics(const struct certificate_set *set, struct diagnostics *d);
void certificate_set_new_diagnostics(struct certificate_set *set, struct diagnostics *d);

/* What is worth a line in the log and wants nobody, since the last call; the caller clears it. */
void certificate_set_take_notes(struct certificate_set *set, struct diagnostics *ret_notes);

/* What may not be read: directories, and pairs of which a file may not. It is one line of the
 * diagnostics, since it is one thing to mend. */
struct certificate_denied {
    size_t count;
    char *first;  /* a path; NULL: there is none */
    char *why;    /* "cannot open …: Permission denied" */
    char *advice; /* what root is to run */
};
void certificate_set_denied(const struct certificate_set *set,
                            struct certificate_denied *ret_denied);
void certificate_denied_clear(struct certificate_denied *denied);

/* How many problems there are now. */
size_t certificate_set_problems(const struct certificate_set *set);

#endif
