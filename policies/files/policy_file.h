/* One policy file (YAML), taken by itself: what it says about shared policies and domains, without
 * a look at other files. Whether a shared policy that a domain names exists, and whether two files
 * claim one domain, is for policies/live/policy_set.h.
 *
 *     policies:
 *       google: {mode: enforce, mx: [aspmx.l.google.com], max_age: 1w, id: "2026112314150"}
 *       gmail: {mirror: gmail.com, mode: testing}
 *     domains:
 *       example.com: google
 *       example.net: {policy: google, tlsrpt: "https://reports.example.net/v1"}
 *       example.org: {mode: testing, mx: [mx1.example.org], max_age: 86400}
 *
 * The format, for users: mtasts-policies(5). */
#ifndef POLICIES_FILES_POLICY_FILE_H
#define POLICIES_FILES_POLICY_FILE_H

#include "lib/base/buffer.h"
#include "lib/base/diagnostics.h"
#include "policies/model/policy_mirror.h"

enum {
    POLICY_FILE_MAX = 256 * 1024 * 1024,         /* octets of one file */
    POLICY_FILE_BODIES_MAX = 1024 * 1024 * 1024, /* octets of all its policies together, which
                                                    aliases could multiply */
    POLICY_DOMAIN_MAX = 244,                     /* `mta-sts.` before it must fit into 253 */
};

struct policy_file_place {
    unsigned line;
    unsigned column;
};

/* A shared policy, a domain with a policy of its own, or a domain that names a shared one. */
struct policy_file_entry {
    struct bytes name;              /* the shared policy's name, or the normalised domain */
    struct policy_file_place place; /* of the key */
    struct policy *policy;          /* owned; NULL where `shared` or `mirror` is set */
    struct policy_mirror *mirror;   /* owned: a shared policy that follows another; NULL: none */
    struct bytes shared;            /* the shared policy's name, or empty */
    struct policy_file_place shared_place;
    struct bytes id; /* as written; empty where absent */
    struct policy_file_place id_place;
    struct bytes tlsrpt; /* encoded URIs, comma-separated; empty where absent */
};

struct policy_file {
    struct policy_file_entry *policies; /* sorted by name */
    size_t policy_count;
    struct policy_file_entry *domains; /* sorted by name */
    size_t domain_count;
    struct policy_file_memory *memory; /* owns the texts */
};

struct policy_file_defaults {
    uint32_t max_age_s; /* where a policy says none; RFC has no default, ours is a week */
};

/* FILE names the text in diagnostics. All errors are reported. False: D has at least one error.
 * Duplicate domains and names within the file are errors that name both places. */
bool policy_file_parse(struct bytes text, const char *file,
                       const struct policy_file_defaults *defaults, struct policy_file *ret_file,
                       struct diagnostics *d) MUST_USE;
void policy_file_clear(struct policy_file *file);

/* Appends YAML that parses to the same file. */
void policy_file_print(const struct policy_file *file, struct buffer *out);
/* Appends a name, in quotes where YAML readers would take it for something else. */
void policy_file_print_scalar(struct bytes text, struct buffer *out);

/* Binary searches; NULL where there is none. */
const struct policy_file_entry *policy_file_find_domain(const struct policy_file *file,
                                                        struct bytes domain);
const struct policy_file_entry *policy_file_find_policy(const struct policy_file *file,
                                                        struct bytes name);

/* Takes the entry's policy out of it, to be owned by the caller. */
struct policy *policy_file_take_policy(struct policy_file_entry *entry);

/* TEXT as a domain that may have a policy, normalised. */
bool policy_file_normalise_domain(struct bytes text, struct dns_name *ret_name, struct error *e)
    MUST_USE;

#endif
