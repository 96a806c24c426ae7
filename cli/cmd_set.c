/* set: domains of the panel's file (cli/panel_run.h). */
#include "cli/panel_run.h"

int cmd_set(const struct invocation *invocation)
{
    struct panel_edit pattern = {.verb = PANEL_SET};
    if (!panel_read_options(invocation, &pattern)) {
        free(pattern.mx);
        return COMMAND_USAGE;
    }
    return panel_run(invocation, PANEL_SET, &pattern);
}
