/* The records of what a command has just changed in the policy files: printed, or with `--publish`
 * put into DNS once the policies are served. */
#ifndef CLI_CHANGED_RECORDS_H
#define CLI_CHANGED_RECORDS_H

#include "cli/invocation.h"
#include "config/settings.h"
#include "policies/files/catalogue.h"

struct changed_records {
    const struct invocation *invocation; /* has the options `format` and `publish` */
    /* Whose record changed; asked for every domain. */
    bool (*is_changed)(const struct catalogue_view *view, void *context);
    void *context;
    bool shared; /* the id of a shared policy did: under a delegation that is one record */
};

/* How long --publish waits for the server to serve the new policy (RFC 8461 §8.1: the policy
 * first).
 */
enum { CHANGED_RECORDS_WAIT_MS = 30000 };

/* Before anything is written: whether --publish, where it was given, has what it needs. False: told
 * on stderr. */
bool changed_records_check(const struct invocation *invocation, const struct settings *settings);

/* Reads the policy files again. False: told on stderr. */
bool changed_records_put(const struct changed_records *changed);

#endif
