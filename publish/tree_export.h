/* The policies as a static tree, for object storage, CDNs and web servers
 * (policies/files/policy_tree.h); what an export wrote is in a list (publish/export_list.h), and
 * nothing else may be deleted. */
#ifndef PUBLISH_TREE_EXPORT_H
#define PUBLISH_TREE_EXPORT_H

#include "publish/workspace.h"

struct tree_export {
    const struct workspace *workspace;
    const char *directory;
    bool deletes; /* policies of ours whose domain is no longer there */
    /* Told of each thing that went wrong, which holds nothing else up. */
    void (*tell)(const struct error *e, void *context);
    /* Told of each file that no export wrote, and that therefore stays. */
    void (*kept)(const char *path, void *context);
    void *context;
    /* What came of it: */
    size_t domains;
    size_t written;
    size_t unchanged;
    size_t deleted;
    bool blind;  /* nothing was deleted: the domains of files in error are not known */
    bool failed; /* something was told */
};

/* False: nothing could be begun with, and E says why. */
bool tree_export_run(struct tree_export *export, struct error *e) MUST_USE;

#endif
