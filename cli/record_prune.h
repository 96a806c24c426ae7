/* `record --prune`: takes the records of domains that left out of DNS (publish/prune.h), and tells.
 */
#ifndef CLI_RECORD_PRUNE_H
#define CLI_RECORD_PRUNE_H

#include "cli/invocation.h"
#include "publish/workspace.h"

/* An enum command_exit. */
int record_prune(const struct invocation *invocation, const struct workspace *workspace);

#endif
