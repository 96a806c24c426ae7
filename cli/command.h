/* The commands of mtasts-host, as data.
 *
 * One table (command_table.c) has a row for each; option parsing, `--help`, `help --dump` and
 * through it the tests of man page and completion all read it. A command is one file, cmd_NAME.c,
 * with one function:
 *
 *     int cmd_record(const struct invocation *invocation);      // returns an enum command_exit
 *
 * A name may have two words, "cert list". Then "cert" is a group: a hidden row without `run`, which
 * is there for its help.
 *
 * Data goes to stdout, words to stderr. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* the reason is on stderr */
    COMMAND_USAGE = 2,
    COMMAND_NO = 3, /* done, and the answer is no: out of step, findings */
    /* `serve` alone: there is no main configuration to start with, which no further start mends
     * before somebody edits it. EX_CONFIG of sysexits(3), which supervisors know. */
    COMMAND_CONFIGURATION = 78,
};

/* What to exit with after parts that ended with A and B: a failure counts more than a no. */
static inline int command_worse(int a, int b)
{
    return a == COMMAND_FAILED || b == COMMAND_DONE ? a : b;
}

/* What an option's value must be. */
enum option_kind {
    OPTION_TEXT,     /* anything; or none is taken */
    OPTION_CHOICE,   /* one of the words that `argument` lists: "zone|nsupdate" */
    OPTION_DURATION, /* 30s, 5m, … */
};

/* One name has one grammar and one meaning in every command that has it: command_table.c writes
 * each such row once. */
struct command_option {
    const char *name;     /* long, without the dashes */
    const char *argument; /* "FILE"; NULL: takes none */
    const char *about;
    char letter; /* short; 0: none */
    enum option_kind kind;
    const char *least; /* of a duration */
    const char *most;
    bool repeats; /* may be given several times; else the last one counts */
    /* The value where the option stands alone: `--wait` as `--wait=30s`. Another is written with
     * an equals sign, or follows as a word, since no other argument looks like a duration. NULL:
     * the argument is required. */
    const char *standard;
    const char *needs;    /* another option, without which this one says nothing */
    const char *excludes; /* options that contradict this one: "check|dry-run" */
};

struct invocation;

struct command {
    const char *name;
    /* For the synopsis, and how many there may be: "DIR", "[DIR]", "DOMAIN...", "DIR [DOMAIN...]".
     */
    const char *arguments;
    const char *instead; /* options that stand for the arguments, "all|explain": these or those must
                            be there … */
    bool instead_free;   /* … or neither; never both */
    const char *about;   /* one line */
    const char *details; /* what --help says below; may be NULL */
    const char *example; /* one or more lines */
    const struct command_option *options;
    size_t option_count;
    bool hidden;                                     /* left out of the list of commands */
    int (*run)(const struct invocation *invocation); /* NULL: a group */
};

enum { COMMAND_OPTIONS_MAX = 16 };

/* The table; at its end a row without a name. */
extern const struct command command_table[];
extern const struct command_option command_global_options[];
extern const size_t command_global_option_count;

/* Whether COMMAND (NULL: nothing was named yet) wants another word that says which. */
bool command_is_group(const struct command *command);
/* The next word of COMMAND's name where it is GROUP's (NULL: the first word, where it is all), or
 * NULL. */
const char *command_word(const struct command *group, const struct command *command);
/* The command that WORD names in GROUP. NULL where there is none. */
const struct command *command_find(const struct command *group, const char *word);
/* The word most like WORD that names one, or NULL. */
const char *command_nearest(const struct command *group, const char *word);

int cmd_help(const struct invocation *invocation);
int cmd_serve(const struct invocation *invocation);
int cmd_lint(const struct invocation *invocation);
int cmd_record(const struct invocation *invocation);
int cmd_bump_id(const struct invocation *invocation);
int cmd_check(const struct invocation *invocation);
int cmd_query(const struct invocation *invocation);
int cmd_retire(const struct invocation *invocation);
int cmd_plan_mx(const struct invocation *invocation);
int cmd_add(const struct invocation *invocation);
int cmd_set(const struct invocation *invocation);
int cmd_remove(const struct invocation *invocation);
int cmd_list(const struct invocation *invocation);
int cmd_init(const struct invocation *invocation);
int cmd_import(const struct invocation *invocation);
int cmd_export(const struct invocation *invocation);
int cmd_reload(const struct invocation *invocation);
int cmd_status(const struct invocation *invocation);
int cmd_cert_list(const struct invocation *invocation);
int cmd_cert_show(const struct invocation *invocation);
int cmd_cert_renew(const struct invocation *invocation);
int cmd_cert_revoke(const struct invocation *invocation);
int cmd_cert_import(const struct invocation *invocation);
int cmd_cert_export(const struct invocation *invocation);
int cmd_account_show(const struct invocation *invocation);
int cmd_account_rollover(const struct invocation *invocation);

#endif
