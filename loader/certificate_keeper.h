/* Keeps a snapshot of the certificates that are served (certificates/snapshot_writer.h), so that
 * the next start need not read them all: written when enough has changed, on a thread of its own
 * that stands back. Its functions are called on the loader thread. */
#ifndef LOADER_CERTIFICATE_KEEPER_H
#define LOADER_CERTIFICATE_KEEPER_H

#include "base/log.h"
#include "loader/certificate_set.h"

struct certificate_keeper;

enum {
    CERTIFICATE_KEEPER_CHANGES = 1000, /* fewer are read again in no time */
    CERTIFICATE_KEEPER_INTERVAL_MS = 5 * 60 * 1000,
};

struct certificate_keeper_options {
    const char *path; /* of the snapshot */
    struct log *log;
    size_t changes;      /* not fewer than these … */
    int64_t interval_ms; /* … and not sooner than this after the last one */
};

struct certificate_keeper *certificate_keeper_new(const struct certificate_keeper_options *options);
/* One that is being written is given up. NULL is fine. */
void certificate_keeper_free(struct certificate_keeper *keeper);

/* After SET may have changed, and when it is due: begins to write where it is time to. */
void certificate_keeper_look(struct certificate_keeper *keeper, struct certificate_set *set,
                             int64_t now_ms);
/* When to look though nothing changed; -1: never. */
int64_t certificate_keeper_due_ms(const struct certificate_keeper *keeper,
                                  const struct certificate_set *set);
/* Before the end: what is worth it is written, without regard to the interval; waits for that. */
void certificate_keeper_finish(struct certificate_keeper *keeper, struct certificate_set *set);

#endif
