/* Which ids of the policy files are out of step with their policies, and what they become; and the
 * edit of one file that makes it so.
 *
 * A subject is a domain with a policy of its own ("example.org"), or a shared policy ("@google"),
 * as in the server's history. */
#ifndef CLI_BUMP_PLAN_H
#define CLI_BUMP_PLAN_H

#include <stdint.h>

#include "cli/name_map.h"
#include "lib/base/diagnostics.h"
#include "policies/files/catalogue.h"
#include "policies/files/id_edit.h"
#include "policies/files/policy_file.h"
#include "policies/model/policy_id.h"

struct bump_change {
    char *subject;
    char *path; /* as configured, for messages */
    enum id_edit_section section;
    struct policy_file_place place; /* of the id, or of the name where there is no id */
    enum policy_id_state state;     /* of the old id */
    struct policy_id old_id;        /* "" where absent */
    struct policy_id new_id;
    struct policy *policy; /* as it stands now; owned */
    bool derived;          /* the file has no id and gets none: nothing is edited */
    bool quiet;            /* a derived one that did not change, as far as anybody knows */
};

struct bump_plan {
    const struct catalogue *catalogue; /* names that are disputed there are passed over */
    const struct name_map *selected;   /* subjects to look at; NULL: all */
    bool insert;                       /* give an id to what has none */
    bool derived;                      /* else: note what has none, whose id is derived */
    bool write;                        /* edit the files */
    int64_t now_s;
    struct policy_file_defaults defaults;
    const char *mirror_copies;   /* where mirrors have their texts (policies/files/mirror_copy.h) */
    struct bump_change *changes; /* sorted by subject once bump_plan_sort was called */
    size_t count;
    size_t capacity;
};

/* "@NAME" for a shared policy, else the name. The caller frees it. */
char *bump_subject(enum id_edit_section section, struct bytes name);

/* Looks at the policy file PATH, notes in PLAN what changes, and where `write` is set edits the
 * file: under a lock against other runs, and only where nobody changed it meanwhile. False: the
 * file stays as it is, PLAN too, and D says why. */
bool bump_plan_file(struct bump_plan *plan, const char *path, struct diagnostics *d) MUST_USE;

void bump_plan_sort(struct bump_plan *plan);
/* How many are not quiet. */
size_t bump_plan_told(const struct bump_plan *plan);
/* After sorting; NULL where SUBJECT does not change. */
const struct bump_change *bump_plan_find(const struct bump_plan *plan, const char *subject);
void bump_plan_clear(struct bump_plan *plan);

#endif
