#include <string.h>

#include "cli/command.h"
#include "cli/query_print.h"
#include "cli/record_writer.h"
#include "cli/revoke_reason.h"
#include "lib/base/memory.h"
#include "lib/yaml/fields.h"
#include "server/control.h"

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

#define RESOLVER_OPTION                                                                            \
    {                                                                                              \
        .name = "resolver", .argument = "ADDRESS", .repeats = true,                                \
        .about = "DNS server to ask, with or without :PORT; else as configured"                    \
    }

static const struct command_option serve_options[] = {
    {.name = "check",
     .about = "only say whether configuration and policies are right; exit 1 where not"},
};

static const struct command_option lint_options[] = {
    JSON_OPTION,
    {.name = "mx",
     .argument = "HOST",
     .repeats = true,
     .about = "hold the patterns of an mta-sts.txt against the host"},
    {.name = "live", .about = "hold each policy against the MX records of its domain, too"},
    RESOLVER_OPTION,
    {.name = "strict", .about = "exit 3 for warnings, too"},
    {.name = "txt",
     .argument = "STRING",
     .repeats = true,
     .about = "the text of a TXT record at _mta-sts"},
};

static const struct command_option status_options[] = {
    {.name = "wait-ready",
     .argument = "DURATION",
     .standard = "5m",
     .about = "wait, at most so long, until the server has loaded all; print nothing"},
    JSON_OPTION,
    {.name = "prometheus", .about = "print metrics in Prometheus' text format"},
};

static const struct command_option cert_list_options[] = {
    JSON_OPTION,
};

static const struct command_option cert_show_options[] = {
    JSON_OPTION,
    {.name = "pem", .about = "print the chain, and nothing else; never the key"},
};

static const struct command_option cert_renew_options[] = {
    {.name = "all-failing", .about = "every name that fails, or that does not reach us yet"},
    {.name = "wait",
     .argument = "DURATION",
     .about = "until the new certificate is there; 30s, 2m"},
};

static const struct command_option cert_revoke_options[] = {
    {.name = "reason",
     .argument = REVOKE_REASONS,
     .choice = true,
     .about = "what is told to the CA; unspecified by default"},
};

static const struct command_option cert_import_options[] = {
    {.name = "dry-run", .letter = 'n', .about = "write nothing; say what would be taken"},
};

static const struct command_option account_show_options[] = {
    JSON_OPTION,
};

static const struct command_option account_rollover_options[] = {
    {.name = "directory",
     .argument = "NAME|URL",
     .about = "the account at this CA alone, as configured or by its URL"},
};

static const struct command_option record_options[] = {
    ALL_OPTION,
    FORMAT_OPTION,
    {.name = "setup", .about = "all that the domain's owner sets, once"},
    {.name = "strict", .about = "leave out, and exit 3 for, names without a certificate"},
    {.name = "publish", .about = "change them in DNS, print those that were"},
};

static const struct command_option bump_id_options[] = {
    ALL_OPTION,
    {.name = "check", .about = "write nothing; exit 3 and one line for each stale id"},
    {.name = "dry-run", .letter = 'n', .about = "write nothing; say and print what would change"},
    FORMAT_OPTION,
    {.name = "since",
     .argument = "FILE|DIR",
     .about = "older copy of the policies, to compare with"},
    {.name = "strict",
     .about = "as for record; with --check: ids that were written by hand count, too"},
    {.name = "publish", .about = "change the records in DNS, print those that were"},
    {.name = "wait",
     .argument = "DURATION",
     .standard = "30s",
     .about = "publish once the policies are served, at most so much later"},
    {.name = "url",
     .argument = "https://HOST[:PORT]",
     .about = "ask there whether they are served; with --wait"},
};

static const struct command_option check_options[] = {
    ALL_OPTION,
    {.name = "explain", .about = "print the table of what may be found, and look at nothing"},
    {.name = "fail-on",
     .argument = "error|warning|note",
     .choice = true,
     .about = "exit 3 from such findings on; error by default"},
    {.name = "interval", .argument = "DURATION", .about = "of --watch; 30s, 5m (the default)"},
    JSON_OPTION,
    {.name = "resolver",
     .argument = "ADDRESS",
     .repeats = true,
     .about = "a DNS server to ask, instead of the configured ones or the system's"},
    {.name = "senders", .about = "say what each known sender makes of it, too"},
    {.name = "trust",
     .argument = "FILE",
     .about = "PEM file of CAs to trust, besides the system's"},
    {.name = "watch", .about = "look again and again, and print what changed"},
};

static const struct command_option query_options[] = {
    {.name = "cache",
     .argument = "DIR",
     .about = "where policies that were seen are kept; without it nothing is"},
    {.name = "format",
     .letter = 'f',
     .argument = QUERY_FORMATS,
     .choice = true,
     .about = "for people, programs, Exim's ${run}, Postfix's tables"},
    {.name = "resolver",
     .argument = "ADDRESS",
     .repeats = true,
     .about = "a DNS server to ask, instead of the system's"},
    {.name = "trust",
     .argument = "FILE",
     .about = "PEM file of the CAs to trust, instead of the system's"},
};

static const struct command_option retire_options[] = {
    {.name = "max-age",
     .argument = "DURATION",
     .about = "of the policy of mode none; 1d at most by default"},
    {.name = "dry-run", .letter = 'n', .about = "write nothing; say what would change"},
    FORMAT_OPTION,
    {.name = "publish", .about = "change the record in DNS once the policy is served"},
    {.name = "list", .letter = 'l', .about = "what is retired, and until when it must stay"},
    {.name = "json", .about = "with --list: print one JSON document"},
};

static const struct command_option plan_mx_options[] = {
    {.name = "add", .argument = "HOST", .repeats = true, .about = "a host that is to become an MX"},
    {.name = "remove", .argument = "HOST", .repeats = true, .about = "an MX host that is to go"},
    {.name = "apply", .about = "do the first step that is due, and say what comes next"},
    RESOLVER_OPTION,
    FORMAT_OPTION,
    {.name = "publish",
     .about = "with --apply: change the record in DNS once the policy is served"},
    {.name = "json", .about = "print the plan as one JSON document"},
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
    {.name = "accept-removals",
     .about = "apply what is held: all of it, or what files at or below PATH took away"},
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
                   "    mtasts-host lint it.txt --mx mx1.example.org\n"
                   "mtasts-host lint --txt 'v=STSv1; id=20260602001;'",
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
                   "mtasts-host record --all --format nsupdate | nsupdate -k tsig.key\n"
                   "mtasts-host record --all --publish",
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
                   "mtasts-host bump-id --publish --wait\n"
                   "mtasts-host bump-id --check",
        OPTIONS(bump_id_options),
        .run = cmd_bump_id,
    },
    {
        .name = "check",
        .arguments = "DOMAIN...|--all",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "look at domains from outside, as senders do",
        .details =
            "Any domain of the world; of those in the configuration it is known what should\n"
            "be there, too. Exits 3 where something would lose mail or protection.",
        .example = "mtasts-host check example.org\n"
                   "mtasts-host check --all --json | jq '.domains[].findings[].code'\n"
                   "mtasts-host check --all --watch --interval 10m",
        OPTIONS(check_options),
        .run = cmd_check,
    },
    {
        .name = "query",
        .arguments = "DOMAIN",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "say what a sender must require of a domain's mail hosts",
        .details = "Looks as a sender does: at the policy seen before, the TXT record, the policy "
                   "host.\n"
                   "Exits with 0 where a policy holds, 3 where the domain has none, 1 where nobody "
                   "can\n"
                   "tell.",
        .example = "mtasts-host query example.org\n"
                   "mtasts-host query --format exim --cache /var/spool/exim4/mta-sts example.org",
        OPTIONS(query_options),
        .run = cmd_query,
    },
    {
        .name = "retire",
        .arguments = "DOMAIN...|--list",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "begin to take MTA-STS off a domain",
        .details =
            "Edits the policy files in place: mode none with a short max_age, under a new id\n"
            "(a domain on a shared policy gets one of its own). Prints the record, and the\n"
            "day from which policy, record and host may go (RFC 8461 section 8.3).",
        .example = "mtasts-host retire example.org\n"
                   "mtasts-host retire --list",
        OPTIONS(retire_options),
        .run = cmd_retire,
    },
    {
        .name = "plan",
        .arguments = "COMMAND ...",
        .about = "say in which order and when to change what senders hold",
        .example = "mtasts-host plan mx example.org --add mx2.example.org",
        .hidden = true,
    },
    {
        .name = "plan mx",
        .arguments = "DOMAIN",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "move a domain's MX without losing mail",
        .details =
            "The steps with their dates: a policy that allows old and new hosts, its record,\n"
            "the wait until no sender holds an older one, the MX records, a policy of the new\n"
            "hosts alone. What is done already is seen in the files, the server's history and\n"
            "DNS: run it again to go on.",
        .example =
            "mtasts-host plan mx example.org --add mx2.example.org --remove mx1.example.org\n"
            "mtasts-host plan mx example.org --add mx2.example.org --apply",
        OPTIONS(plan_mx_options),
        .run = cmd_plan_mx,
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
        .arguments = "[PATH...]",
        .arguments_max = CONTROL_PATHS_MAX,
        .about = "have the running server read everything again",
        .details = "Answers when the new state is served; exits with 3 where files are in error, "
                   "removals\n"
                   "are held, or a change of the configuration waits for a restart.",
        .example = "mtasts-host reload --accept-removals\n"
                   "mtasts-host reload --accept-removals /etc/mtasts-host/policies.d/tenants.yaml",
        OPTIONS(reload_options),
        .run = cmd_reload,
    },
    {
        .name = "status",
        .arguments = "",
        .about = "ask the running server how it is",
        .details = "Exits with 0 where all that should be served is, with 3 where something wants "
                   "a\n"
                   "person (it says what first) or the server loads or stops, with 1 without an "
                   "answer.",
        .example = "mtasts-host status\n"
                   "mtasts-host status --wait-ready\n"
                   "mtasts-host status --json | jq .files_in_error\n"
                   "mtasts-host status --prometheus >/var/lib/prometheus/node-exporter/"
                   "mtasts-host.prom",
        OPTIONS(status_options),
        .run = cmd_status,
    },
    {
        .name = "cert",
        .arguments = "COMMAND ...",
        .about = "look at and act on the certificates that come by ACME",
        .example = "mtasts-host cert list",
        .hidden = true,
    },
    {
        .name = "cert list",
        .arguments = "",
        .about = "list names and their certificates by ACME",
        .details =
            "A line for each name that has a certificate of ours or wants one. Works without "
            "a\n"
            "running server.",
        .example = "mtasts-host cert list\n"
                   "mtasts-host cert list --json | jq '.hosts[] | select(.state == \"failing\")'",
        OPTIONS(cert_list_options),
        .run = cmd_cert_list,
    },
    {
        .name = "cert show",
        .arguments = "DOMAIN...",
        .arguments_min = 1,
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "say everything about a name's certificate",
        .details = "Works without a running server.",
        .example = "mtasts-host cert show example.org\n"
                   "mtasts-host cert show example.org --pem | openssl x509 -noout -text",
        OPTIONS(cert_show_options),
        .run = cmd_cert_show,
    },
    {
        .name = "cert renew",
        .arguments = "DOMAIN...|--all-failing",
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "have a certificate ordered now",
        .details = "The running server looks at the name at once, and orders even where the\n"
                   "certificate is good still.",
        .example = "mtasts-host cert renew example.org --wait 2m\n"
                   "mtasts-host cert renew --all-failing",
        OPTIONS(cert_renew_options),
        .run = cmd_cert_renew,
    },
    {
        .name = "cert revoke",
        .arguments = "DOMAIN",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "have a certificate revoked, and another one ordered",
        .example = "mtasts-host cert revoke example.org --reason key-compromise",
        OPTIONS(cert_revoke_options),
        .run = cmd_cert_revoke,
    },
    {
        .name = "cert import",
        .arguments = "DIR",
        .arguments_min = 1,
        .arguments_max = 1,
        .about = "take over certificates of certbot, lego or acme.sh",
        .details = "Takes, for each name that is configured, the certificate that lives longest.",
        .example = "mtasts-host cert import --dry-run /etc/letsencrypt\n"
                   "mtasts-host cert import /root/.acme.sh",
        OPTIONS(cert_import_options),
        .run = cmd_cert_import,
    },
    {
        .name = "cert export",
        .arguments = "DIR [DOMAIN...]",
        .arguments_min = 1,
        .arguments_max = COMMAND_ARGUMENTS_ANY,
        .about = "write certificates and keys as files",
        .details = "Writes DIR/mta-sts.DOMAIN/{fullchain,privkey}.pem; all of them without a "
                   "DOMAIN.",
        .example = "mtasts-host cert export /srv/backup/certificates",
        .run = cmd_cert_export,
    },
    {
        .name = "account",
        .arguments = "COMMAND ...",
        .about = "look at and act on the accounts at the CAs",
        .example = "mtasts-host account show",
        .hidden = true,
    },
    {
        .name = "account show",
        .arguments = "",
        .about = "say what accounts there are",
        .details = "Works without a running server.",
        .example = "mtasts-host account show",
        OPTIONS(account_show_options),
        .run = cmd_account_show,
    },
    {
        .name = "account rollover",
        .arguments = "",
        .about = "give accounts a new key",
        .example = "mtasts-host account rollover --directory letsencrypt",
        OPTIONS(account_rollover_options),
        .run = cmd_account_rollover,
    },
    {
        .name = "help",
        .arguments = "[COMMAND]",
        .arguments_max = 2,
        .about = "say what a command does",
        .example = "mtasts-host help bump-id\n"
                   "mtasts-host help cert list",
        OPTIONS(help_options),
        .hidden = true,
        .run = cmd_help,
    },
    {.name = NULL},
};

bool command_is_group(const struct command *command)
{
    return command == NULL || command->run == NULL;
}

const char *command_word(const struct command *group, const struct command *command)
{
    struct bytes name = bytes_of(command->name);
    if (group != NULL) {
        struct bytes front = bytes_of(group->name);
        if (!bytes_starts_with(name, front) || name.p[front.n] != ' ') {
            return NULL;
        }
        name = bytes_skip(name, front.n + 1);
    }
    return memchr(name.p, ' ', name.n) == NULL ? name.p : NULL;
}

const struct command *command_find(const struct command *group, const char *word)
{
    for (const struct command *command = command_table; command->name != NULL; command++) {
        const char *its = command_word(group, command);
        if (its != NULL && strcmp(its, word) == 0) {
            return command;
        }
    }
    return NULL;
}

const char *command_nearest(const struct command *group, const char *word)
{
    const char *words[ARRAY_LENGTH(command_table)];
    size_t count = 0;
    for (const struct command *command = command_table; command->name != NULL; command++) {
        const char *its = command_word(group, command);
        if (its != NULL) {
            words[count++] = its;
        }
    }
    return fields_nearest(bytes_of(word), words, count);
}
