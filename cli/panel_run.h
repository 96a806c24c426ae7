/* What add, set and remove have in common: edits of the panel's file, by the running server where
 * there is one, else directly. */
#ifndef CLI_PANEL_RUN_H
#define CLI_PANEL_RUN_H

#include "cli/command.h"
#include "cli/invocation.h"
#include "policies/panel/panel_line.h"

/* The options of INVOCATION that it has and that PATTERN takes. False: told, wrong usage. */
bool panel_read_options(const struct invocation *invocation, struct panel_edit *pattern);

/* The command's arguments as edits: the domains that are named, each with PATTERN (taken), or where
 * the one argument is "-", the lines on standard input. Returns what to exit with. */
int panel_run(const struct invocation *invocation, enum panel_verb verb,
              struct panel_edit *pattern);

#endif
