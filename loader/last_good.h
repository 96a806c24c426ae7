/* The last good policies of files that are in error or whose removal is held, kept so that a
 * restart serves them still: one file per source under `state/last-good/`, named by the SHA-256 of
 * the source's path.
 *
 *     # /etc/mtasts-host/policies.d/a.yaml     percent-encoded where it is not printable ASCII
 *     # held                                   only for a removal that is held
 *     domains:                                 policy_file_print's YAML
 *       …
 *
 * A source is a path, or "@NAME" for a shared policy that nobody defines any more. Whole trees may
 * vanish at once, so copies are written in batches: put as many as you like, then commit. */
#ifndef LOADER_LAST_GOOD_H
#define LOADER_LAST_GOOD_H

#include "base/bytes.h"
#include "base/error.h"

/* Octets of one copy: a printed file can be several times as large as what was written. */
enum { LAST_GOOD_TEXT_MAX = 1024 * 1024 * 1024 };

struct last_good;

/* Makes DIRECTORY (0700) where it is missing. */
bool last_good_open(const char *directory, struct last_good **ret_copies, struct error *e) MUST_USE;
void last_good_close(struct last_good *copies);

/* A copy of SOURCE takes the place of the one before at the next commit. */
bool last_good_put(struct last_good *copies, const char *source, bool held, struct bytes yaml,
                   struct error *e) MUST_USE;
/* All that was put is on the disk when it returns; after a crash each copy is the old or the new
 * one, whole. Where it fails, which of them were kept is not known: put them again. */
bool last_good_commit(struct last_good *copies, struct error *e) MUST_USE;
/* No copy of SOURCE is left. It is fine when there was none. */
bool last_good_remove(struct last_good *copies, const char *source, struct error *e) MUST_USE;

struct last_good_copy {
    const char *source;
    bool held;
    struct bytes yaml;
};

/* Calls VISIT for every copy. One that cannot be read is visited as well, with the error as E and
 * `source` its own path. False: the directory cannot be read. */
bool last_good_each(struct last_good *copies,
                    void (*visit)(const struct last_good_copy *copy, const struct error *e,
                                  void *context),
                    void *context, struct error *e) MUST_USE;

#endif
