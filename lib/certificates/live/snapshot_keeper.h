/* Keeps a snapshot of what was loaded, so that the next start need not read it all: written when
 * enough has changed, on a thread of its own that stands back. Its functions are called on the
 * loader thread. What is kept: certificate_keeper.h. */
#ifndef LIB_CERTIFICATES_LIVE_SNAPSHOT_KEEPER_H
#define LIB_CERTIFICATES_LIVE_SNAPSHOT_KEEPER_H

#include <stdatomic.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct snapshot_keeper;

/* SET is the options'. */
struct snapshot_matter {
    const char *thread;  /* its name, at most 15 octets */
    const char *written; /* events of the log … */
    const char *failed;
    const char *counted; /* … and the field that says how many */
    /* How much changed since it was gathered last. */
    uint64_t (*unsaved)(const void *set);
    /* What is to be written now, for release; how many of them. */
    void *(*gather)(void *set, size_t *ret_count);
    /* On a thread of its own. STOP may be set meanwhile: then false, ERROR_RETRY. */
    bool (*write)(const char *path, void *gathered, const _Atomic bool *stop, struct error *e);
    void (*release)(void *gathered);
};

struct snapshot_keeper_options {
    const char *path; /* of the snapshot; copied */
    struct log *log;
    void *set;           /* outlives the keeper */
    uint64_t changes;    /* not fewer than these … */
    int64_t interval_ms; /* … and not sooner than this after the last one */
};

/* MATTER is not copied. */
struct snapshot_keeper *snapshot_keeper_new(const struct snapshot_matter *matter,
                                            const struct snapshot_keeper_options *options);
/* One that is being written is given up. NULL is fine. */
void snapshot_keeper_free(struct snapshot_keeper *keeper);

/* Without a keeper (NULL) these do nothing. */

/* After the set may have changed, and when it is due: begins to write where it is time to. */
void snapshot_keeper_look(struct snapshot_keeper *keeper, int64_t now_ms);
/* When to look though nothing changed; -1: never. */
int64_t snapshot_keeper_due_ms(const struct snapshot_keeper *keeper);
/* Before the end: what is worth it is written, without regard to the interval; waits for that. */
void snapshot_keeper_finish(struct snapshot_keeper *keeper);

#endif
