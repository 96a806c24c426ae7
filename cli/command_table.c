#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/record_writer.h"
#include "config/fields.h"

const struct command_option command_global_options[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .about = "main configuration (else $MTASTS_HOST_CONFIG, else "
              "/etc/mtasts-host/mtasts-host.yaml)"},
    {.name = "log-format", .argument = "text|json", .choice = true, .about = "how `serve` logs"},
    {.name = "help", .letter = 'h', .about = "say this"},
    {.name = "version", .letter = 'V', .about = "say the version"},
};
const size_t command_global_option_count = ARRAY_LENGTH(command_global_options);

#define FORMAT_OPTION                                                                              \
    {                                                                                              \
        .name = "format", .letter = 'f', .argument = RECORD_FORMATS, .choice = true,               \
        .about = "how records are printed; zone file syntax by default"                            \
    }
#define ALL_OPTION                                                                                 \
    {                                                                                              \
        .name = "all", .letter = 'a', .about = "every domain"                                      \
    }
#define JSON_OPTION                                                                                \
    {                                                                                              \
        .name = "json", .about = "print one JSON document"                                         \
    }

static const struct command_option serve_options[] = {
    {.name = "check",
     .about = "only say whether configuration and policies are right; exit 1 where not"},
};

static const struct command_option lint_options[] = {
    JSON_OPTION,
    {.name = "strict", .about = "exit 3 for warnings, too"},
};

static const struct command_option status_options[] = {
    JSON_OPTION,
};

static const struct command_option record_options[] = {
    ALL_OPTION,
    FORMAT_OPTION,
    {.name = "setup", .about = "all that the domain's owner sets, once"},
};

static const struct command_option bump_id_options[] = {
    ALL_OPTION,
    {.name = "check", .about = "write nothing; exit 3 and one line for each stale id"},
    {.name = "dry-run", .letter = 'n', .about = "write nothing; say and print what would change"},
    FORMAT_OPTION,
    {.name = "since",
     .argument = "FILE|DIR",
     .about = "older copy of the policies, to compare with"},
    {.name = "strict", .about = "with --check: ids that were written by hand count, too"},
};

static const struct command_option init_options[] = {
    {.name = "mode",
     .argument = "testing|enforce|none",
     .choice = true,
     .about = "testing by default"},
    {.name = "mx",
     .argument = "HOST",
     .repeats = true,
     .about = "a host that receives the domain's mail, instead of a look at DNS"},
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .about = "a new file, - is standard output; else DOMAIN.yaml among the policies"},
};

static const struct command_option import_options[] = {
    {.name = "no-shared", .about = "give every domain a policy of its own"},
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .about = "a new file; standard output by default"},
};

static const struct command_option export_options[] = {
    {.name = "delete", .about = "delete policies of ours whose domain is no longer there"},
};

static const struct command_option reload_options[] = {
    {.name = "accept-removals", .about = "apply removals of domains that are held"},
    JSON_OPTION,
};

static const struct command_option help_options[] = {
    {.name = "dump", .about = "the command table, as JSON"},
};

#define OPTIONS(table) .options = (table), .option_count = ARRAY_LENGTH(table)

const struct command command_table[] = {
    {
        .name = "serve",
        .arguments = "",
        .about = "serve the policies, and reload them live",
        .details = "Runs in the foreground until SIGTERM or SIGINT. SIGHUP reads everything again.",
        .example = "mtasts-host -c /etc/mtasts-host/mtasts-host.yaml serve",
        OPTIONS(serve_options),
        .run = cmd_serve,
    },
    {
        .name = "lint",
        .arguments = "[FILE|DIR|mta-sts.txt...]",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "find what is wrong or unwise",
        .details = "Without a file: the main configuration and the policies that it names. A file\n"
                   "named *.txt is somebody's mta-sts.txt. Errors exit 3, warnings alone 0.",
        .example = "mtasts-host lint\n"
                   "mtasts-host lint policies.d\n"
                   "curl -s https://mta-sts.example.org/.well-known/mta-sts.txt >it.txt &&\n"
                   "    mtasts-host lint it.txt",
        OPTIONS(lint_options),
        .run = cmd_lint,
    },
    {
        .name = "record",
        .arguments = "DOMAIN...|--all|--setup DOMAIN...",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "print the DNS records",
        .details = "The TXT records as they should stand now: the policy's id, and where TLS "
                   "reports go.",
        .example = "mtasts-host record --setup example.org\n"
                   "mtasts-host record --all --format nsupdate | nsupdate -k tsig.key",
        OPTIONS(record_options),
        .run = cmd_record,
    },
    {
        .name = "bump-id",
        .arguments = "[DOMAIN...|--all]",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "give a new id to what changed, print its records",
        .details = "Edits the policy files in place, the ids and nothing else in them. Says what\n"
                   "changed, and until when the old MX hosts must stay. Running it twice changes\n"
                   "nothing. Without a DOMAIN it looks at all.",
        .example = "mtasts-host bump-id >>zones/mta-sts.include\n"
                   "mtasts-host bump-id --check",
        OPTIONS(bump_id_options),
        .run = cmd_bump_id,
    },
    {
        .name = "init",
        .arguments = "DOMAIN",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "write a first testing policy",
        .details = "Reads the domain's MX records and, where one is served, its live policy. An\n"
                   "existing file or domain is never touched.",
        .example = "mtasts-host init example.org\n"
                   "mtasts-host init example.org --mx mx1.example.org --mx '*.backup.example.net'",
        OPTIONS(init_options),
        .run = cmd_init,
    },
    {
        .name = "import",
        .arguments = "DIR",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "make a policy file from a tree of mta-sts.txt",
        .details =
            "DIR has a directory for each host: mta-sts.DOMAIN/.well-known/mta-sts.txt.\n"
            "DOMAIN alone, and mta-sts.txt without .well-known, are found as well. A policy\n"
            "that several domains have becomes one shared policy.",
        .example = "mtasts-host import /var/www --output policies.d/imported.yaml",
        OPTIONS(import_options),
        .run = cmd_import,
    },
    {
        .name = "export",
        .arguments = "DIR",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "write the policies as a static tree",
        .details = "Writes DIR/mta-sts.DOMAIN/.well-known/mta-sts.txt, only where it differs, "
                   "and a\n"
                   "list of them, DIR/.mtasts-host-export.",
        .example = "mtasts-host export --delete /srv/mta-sts",
        OPTIONS(export_options),
        .run = cmd_export,
    },
    {
        .name = "reload",
        .arguments = "",
        .about = "have the running server read everything again",
        .details = "Answers when the new state is served; exits with 3 where files are in error, "
                   "removals\n"
                   "are held, or a change of the configuration waits for a restart.",
        .example = "mtasts-host reload --accept-removals",
        OPTIONS(reload_options),
        .run = cmd_reload,
    },
    {
        .name = "status",
        .arguments = "",
        .about = "ask the running server how it is",
        .example = "mtasts-host status\n"
                   "mtasts-host status --json | jq .files_in_error",
        OPTIONS(status_options),
        .run = cmd_status,
    },
    {
        .name = "help",
        .arguments = "[COMMAND]",
        .arguments_max = 1,
        .about = "say what a command does",
        .example = "mtasts-host help bump-id",
        OPTIONS(help_options),
        .hidden = true,
        .run = cmd_help,
    },
    {.name = NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = command_table; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

const char *command_nearest(const char *name)
{
    const char *names[ARRAY_LENGTH(command_table)];
    size_t count = 0;
    for (const struct command *command = command_table; command->name != NULL; command++) {
        names[count++] = command->name;
    }
    return fields_nearest(bytes_of(name), names, count);
}
