/* `--since FILE|DIR`: the policies as an older copy of one file, or of all, had them. */
#ifndef CLI_OLDER_COPY_H
#define CLI_OLDER_COPY_H

#include "policies/files/policy_file.h"

struct older_copy;

/* NULL: told on stderr. A copy in error is refused: half of an answer would look like all of it. A
 * shared policy that the copy names and does not have is no error: it may be a single file. */
struct older_copy *older_copy_open(const char *path, const struct policy_file_defaults *defaults);
void older_copy_close(struct older_copy *copy);

/* The domain or shared policy ("@google") SUBJECT as it was written then, or NULL. */
const struct policy_file_entry *older_copy_entry(const struct older_copy *copy,
                                                 const char *subject);
/* The policy that counted for SUBJECT then, its own or the shared one; NULL: not known. */
const struct policy *older_copy_policy(const struct older_copy *copy, const char *subject);

/* Calls VISIT for each domain whose policy is known, sorted. */
void older_copy_each(const struct older_copy *copy,
                     void (*visit)(const char *domain, const struct policy *policy, void *context),
                     void *context);

#endif
