/* Static trees of mta-sts.txt, as web servers have them (policies/files/policy_tree.h), to a policy
 * file: a text that several domains have becomes one shared policy. */
#ifndef PUBLISH_TREE_IMPORT_H
#define PUBLISH_TREE_IMPORT_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/diagnostics.h"
#include "lib/base/error.h"

struct tree_import {
    /* What is wrong, or only unwise, with each policy; what was left out. */
    void (*tell)(const struct diagnostics *d, void *context);
    void *context;
    int64_t now_s; /* of the ids */
    /* What came of it: */
    size_t domains;
    size_t shared_policies;
    bool failed; /* some policy could not be read */
};

/* Appends the file to TEXT, whose cap is POLICY_FILE_MAX. */
bool tree_import_run(struct tree_import *result, const char *directory, bool shares,
                     struct buffer *text, struct error *e) MUST_USE;

#endif
