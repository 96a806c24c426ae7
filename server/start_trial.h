/* Whether a start by a configuration would come up, tried by a server that runs by another one:
 * `reload` refuses what would take the service down at the next restart, while somebody is there to
 * read why.
 *
 * Nothing is made, changed or kept open. What only the next start can know is not tried: sockets
 * that systemd is to pass, what another user may do, ports that need a capability which is given up
 * by now. */
#ifndef SERVER_START_TRIAL_H
#define SERVER_START_TRIAL_H

#include "config/settings.h"
#include "server/listener.h"

struct start_trial {
    const struct settings *settings;   /* what the next start would have */
    const struct settings *running;    /* what this one had */
    const struct listeners *listeners; /* whose ports are ours already */
    bool as_root;                      /* a start is root's, until it becomes `user` */
};

/* Adds an error of the configuration's file for each key that a start would fail by. */
void start_trial_run(const struct start_trial *trial, struct diagnostics *d);

#endif
