/* What a snapshot of policies is made of (loader/snapshot_keeper.h): the policy files, read anew on
 * the keeper's thread; loader/policy_snapshot_file.h. A struct policy_set is its set, an octet of a
 * file one change. */
#ifndef LOADER_POLICY_KEEPER_H
#define LOADER_POLICY_KEEPER_H

#include "loader/snapshot_keeper.h"

enum {
    POLICY_KEEPER_OCTETS = 1024 * 1024, /* fewer are parsed again in no time */
    POLICY_KEEPER_INTERVAL_MS = 5 * 60 * 1000,
};

extern const struct snapshot_matter policy_keeper_matter;

#endif
