/* Warnings about policies that are legal but unwise. Pure: the time is a parameter. */
#ifndef POLICIES_FILES_POLICY_LINT_H
#define POLICIES_FILES_POLICY_LINT_H

#include <stdint.h>

#include "lib/base/diagnostics.h"
#include "policies/files/policy_file.h"

enum {
    /* A sender that fetches nothing for so long forgets an enforced policy. */
    POLICY_LINT_ENFORCE_MAX_AGE_MIN_S = 24 * 60 * 60,
    /* RFC 8461 §8.3: `none` is the way out, and is to be forgotten soon. */
    POLICY_LINT_NONE_MAX_AGE_MAX_S = 24 * 60 * 60,
    POLICY_LINT_TESTING_MAX_S = 30 * 24 * 60 * 60,
};

/* One policy alone, as it stands at LINE and COLUMN of FILE (0: the file as a whole). ID may be
 * empty; its time, where we made it, says since when the policy stands as it does. */
void policy_lint_one(const struct policy *policy, struct bytes id, const char *file, unsigned line,
                     unsigned column, int64_t now_s, struct diagnostics *d);

/* Every policy of a file as it was parsed (none taken out of it), and foreign ids that two of its
 * shared policies have. */
void policy_lint(const struct policy_file *file, const char *path, int64_t now_s,
                 struct diagnostics *d);

/* A shared policy and the file that it stands in, all borrowed. */
struct policy_lint_shared {
    const char *path;
    const struct policy_file_entry *entry;
    const struct policy *policy; /* on its own: the entry's may have been taken */
};

/* Foreign ids that shared policies of different files have: what policy_lint() cannot see. Sorts
 * ITEMS. */
void policy_lint_shared_ids(struct policy_lint_shared *items, size_t count, struct diagnostics *d);

#endif
