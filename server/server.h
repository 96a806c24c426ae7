/* The serving process: binds, drops privileges, starts the loader and the workers, answers signals
 * and the control socket, and drains at the end. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

/* Runs until SIGTERM or SIGINT. SETTINGS is taken. TROUBLE has errors where SETTINGS are what is
 * remembered (server/configuration_copy.h), since their file is in error now: they are told, and
 * SETTINGS are not kept again. True: stopped as asked, drained or past limits.drain. */
bool server_run(struct settings *settings, const struct diagnostics *trouble, struct log *log,
                struct error *e) MUST_USE;

#endif
