/* Which ids of the policy files are out of step with their policies, and what they become; and the
 * edit of the files that makes it so.
 *
 *     struct bump_plan plan = {.catalogue = …, .now_s = …, …};
 *     bump_plan_add(&plan, &view)                          for each domain
 *     bump_plan_make(&plan);                               pure, but for the catalogue
 *     bump_plan_write(&plan, &d);                          or bump_plan_settle(&plan)
 *     … plan.changes[0 … plan.count], sorted by subject …
 *
 * A subject is a domain with a policy of its own ("example.org"), or a shared policy ("@google"),
 * as in the server's history. Nothing is parsed again but a file that changed since the catalogue
 * was read, and the result of an edit (policies/files/id_edit.h). */
#ifndef PUBLISH_BUMP_PLAN_H
#define PUBLISH_BUMP_PLAN_H

#include <stdint.h>

#include "lib/base/name_map.h"
#include "policies/files/catalogue.h"
#include "policies/files/id_edit.h"
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

/* A file that has changes: those from FIRST on, before END. */
struct bump_file {
    char *path;
    struct file_identity identity; /* of the text that was planned by */
    size_t first;
    size_t end;
};

struct bump_plan {
    const struct catalogue *catalogue; /* names that are disputed there are passed over */
    bool all;                          /* every domain is looked at; else … */
    struct name_map domains;           /* … those that were named, … */
    struct name_map subjects;          /* … whose ids these have */
    struct name_map paths;             /* of files that have some */
    bool insert;                       /* give an id to what has none */
    bool derived;                      /* else: note what has none, whose id is derived */
    int64_t now_s;
    struct policy_file_defaults defaults;
    char *mirror_copies; /* where mirrors have their texts (policies/files/mirror_copy.h); owned */
    struct bump_change *changes;
    size_t count;
    size_t capacity;
    struct bump_file *files;
    size_t file_count;
    size_t file_capacity;
};

/* "@NAME" for a shared policy, else the name. The caller frees it. */
char *bump_subject(enum id_edit_section section, struct bytes name);
char *bump_subject_of(const struct catalogue_view *view);

/* Looks at VIEW's domain, too. True: its subject was not named before. */
bool bump_plan_add(struct bump_plan *plan, const struct catalogue_view *view);
/* SUBJECT ("@NAME") itself was named: it gets an id where it has none. False: E says that there is
 * no such shared policy. */
bool bump_plan_add_shared(struct bump_plan *plan, const char *subject, struct error *e) MUST_USE;
/* Notes what changes. A shared policy without an id keeps the derived one where only some of its
 * domains were named: an id of its own would be a new one for all that use it. */
void bump_plan_make(struct bump_plan *plan);
/* Edits the files: each under a lock against other runs, and only where nobody changes it
 * meanwhile; one that was changed since it was read is planned again as it is now. False: D says of
 * which files none was written, and their changes are taken out of the plan. It is settled then. */
bool bump_plan_write(struct bump_plan *plan, struct diagnostics *d) MUST_USE;
/* Puts the changes into their order, and makes bump_plan_find possible. */
void bump_plan_settle(struct bump_plan *plan);

/* How many are not quiet. */
size_t bump_plan_told(const struct bump_plan *plan);
/* NULL where SUBJECT does not change. */
const struct bump_change *bump_plan_find(const struct bump_plan *plan, const char *subject);
/* The id that VIEW's policy has when the plan is done. */
struct bytes bump_plan_id(const struct bump_plan *plan, const struct catalogue_view *view);
/* Whether VIEW's domain, or its subject, is looked at. */
bool bump_plan_wants(const struct bump_plan *plan, const struct catalogue_view *view);
bool bump_plan_wants_subject(const struct bump_plan *plan, struct bytes subject);
void bump_plan_clear(struct bump_plan *plan);

#endif
