/* The last good text of the main configuration, under `state`: for a start whose configuration is
 * in error, which would take all tenants away.
 *
 * Each configuration has a copy of its own, named by its path: two servers on one `state` keep one
 * each. It is written in two steps, since a text that can be read may still be one that nothing
 * starts with; so the copy is always of a start, or of a reload, that went well:
 *
 *     configuration_copy_prepare(state, settings, &e)      before privileges are given up
 *     configuration_copy_write(state, settings, &e)         when all is served
 *
 * What starts as root does what the text says as root, until it becomes `user:`, who owns `state`.
 * So a start takes a copy only where it belongs to who starts, and nobody else may write it; one
 * that root made is put in place by that user, and not changed by him. */
#ifndef SERVER_CONFIGURATION_COPY_H
#define SERVER_CONFIGURATION_COPY_H

#include "config/settings.h"

/* Writes the text that SETTINGS were read from (0600) beside the copy in STATE, which is that of
 * who runs: a change of `state` itself waits for a restart. */
bool configuration_copy_prepare(const char *state, const struct settings *settings, struct error *e)
    MUST_USE;
/* What was prepared takes the copy's place. */
bool configuration_copy_write(const char *state, const struct settings *settings, struct error *e)
    MUST_USE;

enum configuration_copy_use {
    CONFIGURATION_COPY_START, /* to serve by it */
    CONFIGURATION_COPY_ASK,   /* to find the server that does: whosever the copy is */
};

/* What is remembered of FILE, as if it had been read from there; NULL: nothing, or nothing that
 * this program can use. Looked for in the `state` that FILE still names, if it can be read, in
 * those of $STATE_DIRECTORY and in the one that is the default. Free with settings_free. */
struct settings *configuration_copy_find(const char *file, enum configuration_copy_use use);

#endif
