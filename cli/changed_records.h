/* The records of what a command has just changed in the policy files: printed here, in one place,
 * where they are also to be published. */
#ifndef CLI_CHANGED_RECORDS_H
#define CLI_CHANGED_RECORDS_H

#include "cli/invocation.h"
#include "loader/policy_set.h"

struct changed_records {
    const struct invocation *invocation; /* has the option `format` */
    /* Whose record changed; asked for every domain. */
    bool (*is_changed)(const struct policy_set_view *view, void *context);
    void *context;
    bool shared; /* the id of a shared policy did: under a delegation that is one record */
};

/* Reads the policy files again. False: told on stderr. */
bool changed_records_print(const struct changed_records *changed);

#endif
