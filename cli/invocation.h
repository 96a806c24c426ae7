/* One call of the program, taken apart by the command table.
 *
 *     mtasts-host [-c FILE] [--log-format text|json] COMMAND [OPTION...] [ARGUMENT...]
 *
 * Global options may stand before the command or after it. */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include <stdint.h>

#include "cli/command.h"

struct invocation_values {
    const char **items;
    size_t count;
    size_t capacity;
};

struct invocation {
    const struct command *command; /* NULL: none was named; may be a group */
    const char *config;            /* -c FILE; NULL: not given */
    bool log_json;
    bool help;
    bool version;
    struct invocation_values values[COMMAND_OPTIONS_MAX]; /* by the command's option rows */
    char *const *arguments;
    size_t argument_count;
};

/* False: told on stderr, exit with COMMAND_USAGE. Values point into ARGV. Clear either way. */
bool invocation_parse(int argc, char **argv, struct invocation *ret_invocation);
void invocation_clear(struct invocation *invocation);

/* Option NAME must be in the command's table (or the program aborts: our own typo). */
bool invocation_has(const struct invocation *invocation, const char *name);
/* The last value given, or NULL. */
const char *invocation_value(const struct invocation *invocation, const char *name);
/* Of the last value, or FALLBACK where there is none, of an option that takes a duration. */
int64_t invocation_duration_s(const struct invocation *invocation, const char *name,
                              int64_t fallback_s);
/* All values, in order. */
const struct invocation_values *invocation_values(const struct invocation *invocation,
                                                  const char *name);

/* NULL where the command has no such option. */
const struct invocation_values *invocation_values_if(const struct invocation *invocation,
                                                     const char *name);

/* Says what is wrong with the call on stderr and where to read more; returns COMMAND_USAGE. */
int invocation_usage(const struct invocation *invocation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
