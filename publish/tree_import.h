/* Static trees of mta-sts.txt, as web servers have them (policies/files/policy_tree.h), to a policy
 * file: a text that several domains have becomes one shared policy; where ids of DNS are kept, a
 * text and an id. */
#ifndef PUBLISH_TREE_IMPORT_H
#define PUBLISH_TREE_IMPORT_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/diagnostics.h"
#include "lib/base/error.h"
#include "lib/dns/resolver.h"

struct tree_import {
    /* What is wrong, or only unwise, with each policy; what was left out. */
    void (*tell)(const struct diagnostics *d, void *context);
    void *context;
    int64_t now_s; /* of the ids */
    /* Whom to ask for the ids that are in DNS, which are kept then; NULL: nobody, all are new. */
    const struct dns_resolver *resolver;
    /* What came of it: */
    size_t domains;
    size_t shared_policies;
    size_t kept_ids; /* domains whose id is the one in DNS */
    size_t left_out; /* directories that were meant for a policy, and texts that are none */
    bool failed;     /* there are some */
};

/* Appends the file to TEXT, whose cap is POLICY_FILE_MAX. */
bool tree_import_run(struct tree_import *result, const char *directory, bool shares,
                     struct buffer *text, struct error *e) MUST_USE;

#endif
