/* What the program says about itself, from the command table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* All commands and the global options. */
void help_print_all(FILE *out);
/* One command: synopsis, options, example. */
void help_print_command(const struct command *command, FILE *out);
/* The table as one JSON document, for the tests that hold man page and completion against it. */
void help_print_dump(FILE *out);

#endif
