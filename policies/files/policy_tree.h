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

/* A directory that somebody meant for a policy, and that gives none. */
struct policy_tree_left {
    char *path;
    bool has_policy; /* but its name is no mail domain's; else it is named as a policy host is */
};

struct policy_tree {
    struct policy_tree_file *files; /* sorted by domain, the better place of one domain first */
    size_t count;
    size_t capacity;
    struct policy_tree_left *left; /* in no order */
    size_t left_count;
    size_t left_capacity;
};

/* Finds the policies of host-named directories: `mta-sts.DOMAIN/.well-known/mta-sts.txt`,
 * `mta-sts.DOMAIN/mta-sts.txt`, and both with `DOMAIN` alone; under mta-sts.DOMAIN, in any case,
 * also one or two directories deeper (html, httpdocs, public, …). DIRECTORY itself may be such a
 * one. Other directories without a policy are passed over. */
bool policy_tree_find(const char *directory, struct policy_tree *ret_tree, struct error *e)
    MUST_USE;
void policy_tree_clear(struct policy_tree *tree);

#endif
