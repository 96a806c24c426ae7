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
    const struct command *command = NULL;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        const char *word = invocation->arguments[i];
        command = command_is_group(command) ? command_find(command, word) : NULL;
        if (command == NULL) {
            return invocation_usage(invocation, "there is no command \"%s\"", word);
        }
    }
    help_print_command(command, stdout);
    return COMMAND_DONE;
}
