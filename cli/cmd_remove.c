/* remove: takes domains of the panel's file off MTA-STS, in time or at once (cli/panel_run.h). */
#include "cli/panel_run.h"

int cmd_remove(const struct invocation *invocation)
{
    struct panel_edit pattern = {0};
    return panel_run(invocation,
                     invocation_has(invocation, "now") ? PANEL_REMOVE_NOW : PANEL_REMOVE, &pattern);
}
