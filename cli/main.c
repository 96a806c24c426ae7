#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "lib/base/core_dump.h"
#include "lib/base/memory.h"

static int run(const struct invocation *invocation)
{
    if (invocation->version) {
        printf("mtasts-host %s\n", MTASTS_VERSION);
        return COMMAND_DONE;
    }
    if (invocation->help || command_is_group(invocation->command)) {
        FILE *out = invocation->help ? stdout : stderr;
        if (invocation->command != NULL) {
            help_print_command(invocation->command, out);
        } else {
            help_print_all(out);
        }
        return invocation->help ? COMMAND_DONE : COMMAND_USAGE;
    }
    return invocation->command->run(invocation);
}

int main(int argc, char **argv)
{
    /* Most commands get a key into their hands; whoever debugs one takes gdb from the start. */
    (void)core_dump_forbid();
    /* A reader that goes away must not end us between an edit and the words about it. */
    (void)signal(SIGPIPE, SIG_IGN);
    CLEANUP(invocation_clear) struct invocation invocation;
    if (!invocation_parse(argc, argv, &invocation)) {
        return COMMAND_USAGE;
    }
    int code = run(&invocation);
    if (MEMORY_FREED_AT_END) {
        core_dump_allow(); /* LeakSanitizer looks at the process as a debugger does */
    }
    /* What stdout could not take is lost without a word otherwise: a full disk, a closed pipe. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        char why[128];
        fprintf(stderr, "mtasts-host: cannot write to standard output: %s\n",
                strerror_r(errno, why, sizeof(why)));
        return COMMAND_FAILED;
    }
    return code;
}
