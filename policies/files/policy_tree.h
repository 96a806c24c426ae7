/* A tree of policies as static web servers and CDNs have it:
 *
 *     DIR/mta-sts.example.org/.well-known/mta-sts.txt */
#ifndef POLICIES_FILES_POLICY_TREE_H
#define POLICIES_FILES_POLICY_TREE_H

#include "lib/base/error.h"
#include "lib/dns/name.h"

/* Where DOMAIN's policy stands in a tree, from its root. The caller frees it. */
char *policy_tree_name(struct bytes domain);

/* One policy file found in a tree. */
struct policy_tree_file {
    struct dns_name domain;
    char *path;
    bool exported; /* at the very place where policy_tree_name puts it */
};

struct policy_tree {
    struct policy_tree_file *files; /* sorted by domain, the better place of one domain first */
    size_t count;
    size_t capacity;
};

/* Finds the policies of host-named directories: `mta-sts.DOMAIN/.well-known/mta-sts.txt`,
 * `mta-sts.DOMAIN/mta-sts.txt`, and both with `DOMAIN` alone. Directories whose name is no domain
 * are passed over. */
bool policy_tree_find(const char *directory, struct policy_tree *ret_tree, struct error *e)
    MUST_USE;
void policy_tree_clear(struct policy_tree *tree);

#endif
