/* Keeps a snapshot of the policy files (loader/policy_snapshot_file.h), so that the next start need
 * not parse them all: written when enough was parsed that is not in it, on a thread of its own that
 * stands back and reads the files by itself. Its functions are called on the loader thread. */
#ifndef LOADER_POLICY_KEEPER_H
#define LOADER_POLICY_KEEPER_H

#include "base/log.h"
#include "loader/policy_set.h"

struct policy_keeper;

enum {
    POLICY_KEEPER_OCTETS = 1024 * 1024, /* fewer are parsed again in no time */
    POLICY_KEEPER_INTERVAL_MS = 5 * 60 * 1000,
};

struct policy_keeper_options {
    const char *path; /* of the snapshot */
    struct log *log;
    uint64_t octets;     /* of files that changed: not fewer than these … */
    int64_t interval_ms; /* … and not sooner than this after the last one */
};

struct policy_keeper *policy_keeper_new(const struct policy_keeper_options *options);
/* One that is being written is given up. NULL is fine. */
void policy_keeper_free(struct policy_keeper *keeper);

/* After SET may have changed, and when it is due: begins to write where it is time to. */
void policy_keeper_look(struct policy_keeper *keeper, struct policy_set *set, int64_t now_ms);
/* When to look though nothing changed; -1: never. */
int64_t policy_keeper_due_ms(const struct policy_keeper *keeper, const struct policy_set *set);
/* Before the end: what is worth it is written, without regard to the interval; waits for that. */
void policy_keeper_finish(struct policy_keeper *keeper, struct policy_set *set);

#endif
