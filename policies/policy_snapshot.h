/* What a snapshot of policy files (base/snapshot_part.h) has in it: those that were parsed without
 * a complaint, with the identities of the files they came from. Pure: octets to structs and back.
 * What is read is not trusted: every length is checked, names are normal and sorted, and what is
 * read writes the same octets again.
 *
 *     record   size u32 (of what follows), path u16 (length), path and NUL; device, inode, size
 *              u64, modified, changed i64 (ns); shared policies u32, domains u32; their entries
 *     entry    name text, place, kind u8 (0 shared, 1 policy, 2 mirror), what it is, id text,
 *              place, tlsrpt text
 *     shared   text, place
 *     policy   mode u8, max_age u32, digest (32 octets), body text
 *     mirror   domain text, mode u8
 *     text     length u32, octets;   place    line u32, column u32
 *     extra    all that the parse depends on besides a file's octets and the program: this format's
 *              number u32, default max_age u32, the versions of libyaml and libidn2, a NUL each
 *
 * Whoever can write the file can change what is served. */
#ifndef POLICIES_POLICY_SNAPSHOT_H
#define POLICIES_POLICY_SNAPSHOT_H

#include "base/file.h"
#include "base/snapshot_file.h"
#include "policies/policy_file.h"

enum {
    POLICY_SNAPSHOT_RECORD_MAX = 64 * 1024 * 1024, /* octets; a larger file is left out */
    POLICY_SNAPSHOT_EXTRA_MAX = 256,
};

extern const struct snapshot_kind policy_snapshot_kind;

/* The extra part, which is to be the same to the octet. */
void policy_snapshot_add_extra(struct buffer *out, const struct policy_file_defaults *defaults);

/* FILE as a record of PATH. */
void policy_snapshot_add(struct buffer *out, const char *path, const struct file_identity *identity,
                         const struct policy_file *file);

/* The record at the front of IN. False: it is damaged, or not of the file that IDENTITY says. The
 * caller clears RET_FILE with policy_file_clear. */
bool policy_snapshot_read(struct bytes in, const struct file_identity *identity,
                          struct policy_file *ret_file) MUST_USE;

/* The path of the record at the front. NULL: damaged. */
const char *policy_snapshot_peek_path(struct bytes in);
bool policy_snapshot_skip(struct bytes *in);

#endif
