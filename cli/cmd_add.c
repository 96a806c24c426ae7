/* add: domains of the panel's file (cli/panel_run.h). */
#include "cli/panel_run.h"

int cmd_add(const struct invocation *invocation)
{
    struct panel_edit pattern = {.verb = PANEL_ADD};
    if (!panel_read_options(invocation, &pattern)) {
        free(pattern.mx);
        return COMMAND_USAGE;
    }
    return panel_run(invocation, PANEL_ADD, &pattern);
}
