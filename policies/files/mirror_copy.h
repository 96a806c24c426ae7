/* The last good text of a policy that is followed (policy_mirror.h), kept so that a restart without
 * network serves it still, and so that the command line knows it: one file per upstream,
 * DIRECTORY/DOMAIN, 0600.
 *
 *     id: "20190429T010101"          of the TXT record that it was fetched by
 *     fetched: 1764000000            wall clock
 *     policy: |                      in our safe form
 *       version: STSv1
 *       mode: enforce
 *       …
 */
#ifndef POLICIES_FILES_MIRROR_COPY_H
#define POLICIES_FILES_MIRROR_COPY_H

#include "lib/base/buffer.h"
#include "policies/files/policy_file.h"
#include "policies/model/policy_id.h"

struct mirror_copy {
    struct policy *policy; /* owned */
    struct policy_id id;
    int64_t fetched_s;
};

void mirror_copy_clear(struct mirror_copy *copy);

/* STATE/mirror; the caller frees it. */
char *mirror_copy_directory(const char *state);

/* ERROR_NOT_FOUND: there is none. */
bool mirror_copy_read(const char *directory, struct bytes domain, struct mirror_copy *ret_copy,
                      struct error *e) MUST_USE;
/* Makes DIRECTORY (0700) where it is missing; replaces the copy as file_replace. */
bool mirror_copy_write(const char *directory, struct bytes domain, const struct mirror_copy *copy,
                       struct error *e) MUST_USE;
/* Whether it has outlived its max_age by more than a day (for those of minutes). It stays served
 * even so, but nobody is to begin with it. */
bool mirror_copy_is_over(const struct mirror_copy *copy, int64_t now_s);
/* As far as it can be removed. */
void mirror_copy_remove(const char *directory, struct bytes domain);
/* The text of a copy; FILE names it in errors. */
bool mirror_copy_parse(struct bytes text, const char *file, struct mirror_copy *ret_copy,
                       struct error *e) MUST_USE;
void mirror_copy_print(const struct mirror_copy *copy, struct buffer *out);

/* Gives each mirror of FILE the policy that is served for it, as far as DIRECTORY has copies. For
 * the command line: the entries own them, as if they had been written there. */
void mirror_copies_fill(const char *directory, struct policy_file *file);

#endif
