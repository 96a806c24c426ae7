/* help: what --help says, by name; and the table itself for the tests. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/invocation.h"

int cmd_help(const struct invocation *invocation)
{
    if (invocation_has(invocation, "dump")) {
        help_print_dump(stdout);
        return COMMAND_DONE;
    }
    if (invocation->argument_count == 0) {
        help_print_all(stdout);
        return COMMAND_DONE;
    }
    const char *name = invocation->arguments[0];
    const struct command *command = command_find(name);
    if (command == NULL) {
        return invocation_usage(invocation, "there is no command \"%s\"", name);
    }
    help_print_command(command, stdout);
    return COMMAND_DONE;
}
