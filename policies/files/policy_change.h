/* One policy changed in its file, and its id with it: the steps that `retire` and `plan mx` make.
 * As bump-id edits: under a lock against other runs, replaced atomically, and only where nobody
 * changed the file meanwhile. */
#ifndef POLICIES_FILES_POLICY_CHANGE_H
#define POLICIES_FILES_POLICY_CHANGE_H

#include "lib/base/diagnostics.h"
#include "policies/files/catalogue.h"
#include "policies/files/policy_edit.h"
#include "policies/model/policy_id.h"

struct policy_change {
    const struct policy_edit *edit;
    struct policy_file_defaults defaults;
    bool ids_derived; /* an id that is not there is not written */
    const char *path; /* as configured */
    int64_t now_s;
    bool write; /* else only what would come of it */
};

struct policy_changed {
    struct policy *policy; /* as it stands now; owned */
    struct policy_id id;   /* that its record has */
    bool text;             /* the file changed, or would */
};

/* The policy gets a new id where its own is not current any more; where the configuration has `ids:
 * derived` and the file has none, none is written. False: nothing changed, and D says why. */
bool policy_change_make(const struct policy_change *change, struct policy_changed *ret_changed,
                        struct diagnostics *d) MUST_USE;

static inline void policy_changed_clear(struct policy_changed *changed)
{
    if (changed->policy != NULL) {
        policy_free(changed->policy);
        changed->policy = NULL;
    }
}

#endif
