#include <string.h>

#include "cli/command.h"
#include "cli/query_print.h"
#include "cli/record_writer.h"
#include "lib/base/memory.h"
#include "lib/yaml/fields.h"
#include "publish/certificates/revoke_reason.h"

/* An option without a value, and one with it. */
#define FLAG(name_, about_, ...)                                                                   \
    {                                                                                              \
        .name = name_, .about = about_, ##__VA_ARGS__                                              \
    }
#define VALUE(name_, argument_, about_, ...)                                                       \
    {                                                                                              \
        .name = name_, .argument = argument_, .about = about_, ##__VA_ARGS__                       \
    }

const struct command_option command_global_options[] = {
    VALUE("config", "FILE",
          "main configuration (else $MTASTS_HOST_CONFIG, else /etc/mtasts-host/mtasts-host.yaml)",
          .letter = 'c'),
    VALUE("log-format", "text|json", "how `serve` logs", .kind = OPTION_CHOICE),
    FLAG("help", "say this", .letter = 'h'),
    FLAG("version", "say the version", .letter = 'V'),
};
const size_t command_global_option_count = ARRAY_LENGTH(command_global_options);

/* What several commands have means the same in each. */
#define ALL_OPTION          FLAG("all", "every domain", .letter = 'a')
#define JSON_OPTION         FLAG("json", "print one JSON document")
#define DRY_RUN_OPTION(...) FLAG("dry-run", __VA_ARGS__, .letter = 'n')
#define FORMAT_OPTION                                                                              \
    VALUE("format", RECORD_FORMATS, "how records are printed; zone file syntax by default",        \
          .letter = 'f', .kind = OPTION_CHOICE)
#define RESOLVER_OPTION(...)                                                                       \
    VALUE("resolver", "ADDRESS",                                                                   \
          "DNS server to ask, with or without :PORT; else as configured, or the system's",         \
          .repeats = true, ##__VA_ARGS__)
#define WAIT_OPTION(...)                                                                           \
    VALUE("wait", "DURATION", __VA_ARGS__, .kind = OPTION_DURATION, .least = "1s")
#define SINCE_OPTION(...) VALUE("since", "FILE|DIR", __VA_ARGS__)
/* Of commands whose --publish waits for a server that others feed. */
#define PUBLISH_WAIT_OPTIONS                                                                       \
    WAIT_OPTION("publish once the policies are served, at most so much later", .most = "1h",       \
                .standard = "30s", .needs = "publish"),                                            \
        VALUE("url", "https://HOST[:PORT]", "ask there whether they are served; with --wait",      \
              .needs = "wait"),                                                                    \
        FLAG("unserved", "publish also what is not known to be served", .needs = "publish",        \
             .excludes = "wait")
#define TRUST_OPTIONS                                                                              \
    VALUE("trust", "FILE", "PEM file of CAs to trust, besides the system's",                       \
          .excludes = "trust-only"),                                                               \
        VALUE("trust-only", "FILE", "PEM file of the CAs to trust, instead of the system's")

static const struct command_option serve_options[] = {
    FLAG("check", "only say whether configuration and policies are right; exit 1 where not"),
};

static const struct command_option lint_options[] = {
    JSON_OPTION,
    VALUE("mx", "HOST", "hold the patterns of an mta-sts.txt against the host", .repeats = true),
    FLAG("live", "hold each policy against the MX records of its domain, too"),
    RESOLVER_OPTION(.needs = "live"),
    SINCE_OPTION("older copy of the policies: domains that went without being retired are errors"),
    FLAG("strict", "exit 3 for warnings, too"),
    VALUE("txt", "STRING", "the text of a TXT record at _mta-sts", .repeats = true),
};

static const struct command_option status_options[] = {
    VALUE("wait-ready", "DURATION",
          "wait, at most so long, until the server has loaded all; print nothing",
          .kind = OPTION_DURATION, .least = "1s", .most = "1d", .standard = "5m",
          .excludes = "json|prometheus"),
    JSON_OPTION,
    FLAG("prometheus", "print metrics in Prometheus' text format", .excludes = "json"),
    VALUE("output", "FILE", "replace this file by the metrics, where the server answers",
          .letter = 'o', .needs = "prometheus"),
};

static const struct command_option cert_list_options[] = {
    JSON_OPTION,
};

static const struct command_option cert_show_options[] = {
    JSON_OPTION,
    FLAG("pem", "print the chain, and nothing else; never the key", .excludes = "json"),
};

static const struct command_option cert_renew_options[] = {
    FLAG("all-failing", "every name that fails, or that does not reach us yet"),
    WAIT_OPTION("until the new certificates are there, at most so long", .most = "1d",
                .standard = "2m"),
};

static const struct command_option cert_revoke_options[] = {
    VALUE("reason", REVOKE_REASONS, "what is told to the CA; unspecified by default",
          .kind = OPTION_CHOICE),
};

static const struct command_option cert_import_options[] = {
    DRY_RUN_OPTION("write nothing; say what would be taken"),
};

static const struct command_option account_show_options[] = {
    JSON_OPTION,
};

static const struct command_option account_rollover_options[] = {
    VALUE("directory", "NAME|URL", "the account at this CA alone, as configured or by its URL"),
};

static const struct command_option record_options[] = {
    ALL_OPTION,
    FORMAT_OPTION,
    FLAG("setup", "all that the domain's owner sets, once"),
    FLAG("strict", "leave out, and exit 3 for, names without a certificate"),
    FLAG("publish", "change them in DNS, print those that were",
         .excludes = "setup"), /* what that prints is the tenant's to set */
    PUBLISH_WAIT_OPTIONS,
    FLAG("prune", "take the records of domains that left out of DNS, print those that went",
         .excludes = "setup|strict|publish"),
    VALUE("at-most", "NUMBER", "with --prune: so many records; 1000 by default", .needs = "prune"),
    FLAG("dry-run", "with --prune: say and print what would go", .letter = 'n', .needs = "prune"),
};

static const struct command_option bump_id_options[] = {
    ALL_OPTION,
    FLAG("check", "write nothing; exit 3 and one line for each stale id",
         .excludes = "dry-run|publish"),
    DRY_RUN_OPTION("write nothing; say and print what would change"),
    FORMAT_OPTION,
    SINCE_OPTION("older copy of the policies, to compare with"),
    FLAG("strict", "as for record; with --check: ids that were written by hand count, too"),
    FLAG("publish", "change the records in DNS, print those that were", .excludes = "dry-run"),
    PUBLISH_WAIT_OPTIONS,
};

static const struct command_option check_options[] = {
    ALL_OPTION,
    FLAG("explain", "print the table of what may be found, and look at nothing"),
    VALUE("fail-on", "error|warning|note", "exit 3 from such findings on; error by default",
          .kind = OPTION_CHOICE),
    VALUE("interval", "DURATION", "of --watch; 30s, 5m (the default)", .kind = OPTION_DURATION,
          .least = "1s", .most = "1d", .needs = "watch"),
    JSON_OPTION,
    RESOLVER_OPTION(),
    FLAG("senders", "say what each known sender makes of it, too"),
    TRUST_OPTIONS,
    FLAG("watch", "look again and again, and print what changed"),
};

static const struct command_option query_options[] = {
    VALUE("cache", "DIR", "where policies that were seen are kept; without it nothing is"),
    VALUE("format", QUERY_FORMATS, "for people, programs, Exim's ${run}, Postfix's tables",
          .letter = 'f', .kind = OPTION_CHOICE),
    RESOLVER_OPTION(),
    TRUST_OPTIONS,
};

static const struct command_option retire_options[] = {
    VALUE("max-age", "DURATION", "of the policy of mode none; 1d at most by default",
          .kind = OPTION_DURATION, .least = "0s", .most = "31557600s"), /* POLICY_MAX_AGE_MAX */
    DRY_RUN_OPTION("write nothing; say what would change"),
    FORMAT_OPTION,
    FLAG("publish", "change the record in DNS once the policy is served",
         .excludes = "dry-run|list"),
    FLAG("list", "what is retired, and until when it must stay", .letter = 'l'),
    FLAG("json", "with --list: print one JSON document", .needs = "list"),
};

static const struct command_option plan_mx_options[] = {
    VALUE("add", "HOST", "a host that is to become an MX", .repeats = true),
    VALUE("remove", "HOST", "an MX host that is to go", .repeats = true),
    FLAG("apply", "do the first step that is due, and say what comes next"),
    RESOLVER_OPTION(),
    FORMAT_OPTION,
    FLAG("publish", "with --apply: change the record in DNS once the policy is served",
         .needs = "apply", .excludes = "json"), /* it prints records */
    FLAG("json", "print the plan as one JSON document"),
};

/* Of the verbs of the panel's file. */
#define PANEL_POLICY_OPTION                                                                        \
    VALUE("policy", "NAME", "the shared policy that it uses", .excludes = "mx|max-age")
#define PANEL_MX_OPTION                                                                            \
    VALUE("mx", "HOST", "a host that receives its mail, for a policy of its own", .repeats = true)
#define PANEL_MAX_AGE_OPTION                                                                       \
    VALUE("max-age", "DURATION", "of its own policy; 1d at first", .kind = OPTION_DURATION,        \
          .least = "0s", .most = "31557600s") /* POLICY_MAX_AGE_MAX */
#define PANEL_LAST_OPTIONS                                                                         \
    FLAG("no-check", "do not look at its MX records first"), RESOLVER_OPTION(), JSON_OPTION

static const struct command_option add_options[] = {
    PANEL_POLICY_OPTION,
    PANEL_MX_OPTION,
    PANEL_MAX_AGE_OPTION,
    PANEL_LAST_OPTIONS,
};

static const struct command_option set_options[] = {
    PANEL_POLICY_OPTION,
    PANEL_MX_OPTION,
    VALUE("mode", "testing|enforce", "of its own policy", .kind = OPTION_CHOICE,
          .excludes = "policy"),
    PANEL_MAX_AGE_OPTION,
    PANEL_LAST_OPTIONS,
};

static const struct command_option remove_options[] = {
    FLAG("now", "at once, whatever senders hold"),
    JSON_OPTION,
};

static const struct command_option list_options[] = {
    VALUE("policy", "NAME", "those that use this shared policy"),
    VALUE("state", "testing|enforce|leaving|unknown", "those whose policy is in this state",
          .kind = OPTION_CHOICE),
    JSON_OPTION,
};

static const struct command_option init_options[] = {
    VALUE("mode", "testing|enforce|none", "testing by default", .kind = OPTION_CHOICE),
    VALUE("mx", "HOST", "a host that receives the domain's mail, instead of a look at DNS",
          .repeats = true),
    VALUE("output", "FILE", "a new file, - is standard output; else DOMAIN.yaml among the policies",
          .letter = 'o'),
};

static const struct command_option import_options[] = {
    FLAG("live", "keep the ids that are in DNS"),
    FLAG("no-shared", "give every domain a policy of its own"),
    VALUE("output", "FILE", "a new file; standard output by default", .letter = 'o'),
    RESOLVER_OPTION(.needs = "live"),
};

static const struct command_option export_options[] = {
    FLAG("delete", "delete policies of ours whose domain is no longer there"),
};

static const struct command_option reload_options[] = {
    FLAG("accept-removals",
         "apply what is held: all of it, or what files at or below PATH took away"),
    JSON_OPTION,
};

static const struct command_option help_options[] = {
    FLAG("dump", "the command table, as JSON"),
};

#define COMMAND(name_, arguments_, run_, about_)                                                   \
    .name = (name_), .arguments = (arguments_), .run = (run_), .about = (about_)
#define OPTIONS(table) .options = (table), .option_count = ARRAY_LENGTH(table)

const struct command command_table[] = {
    {COMMAND("serve", "", cmd_serve, "serve the policies, and reload them live"),
     OPTIONS(serve_options),
     .details = "Runs in the foreground until SIGTERM or SIGINT. SIGHUP reads everything again.",
     .example = "mtasts-host -c /etc/mtasts-host/mtasts-host.yaml serve"},
    {COMMAND("lint", "[FILE|DIR|mta-sts.txt...]", cmd_lint, "find what is wrong or unwise"),
     OPTIONS(lint_options),
     .details = "Without a file: the main configuration and the policies that it names. A file\n"
                "named *.txt is somebody's mta-sts.txt. Errors exit 3, warnings alone 0.",
     .example = "mtasts-host lint\n"
                "mtasts-host lint policies.d\n"
                "curl -s https://mta-sts.example.org/.well-known/mta-sts.txt >it.txt &&\n"
                "    mtasts-host lint it.txt --mx mx1.example.org\n"
                "mtasts-host lint --txt 'v=STSv1; id=20260602001;'"},
    {COMMAND("record", "DOMAIN...|--all|--setup DOMAIN...|--prune", cmd_record,
             "print the DNS records"),
     OPTIONS(record_options), .instead = "all|prune",
     .details = "The TXT records as they should stand now: the policy's id, and where TLS "
                "reports go.",
     .example = "mtasts-host record --setup example.org\n"
                "mtasts-host record --all --format nsupdate | nsupdate -k tsig.key\n"
                "mtasts-host record --all --publish\n"
                "mtasts-host record --prune --dry-run"},
    {COMMAND("bump-id", "[DOMAIN...|@POLICY...|--all]", cmd_bump_id,
             "give a new id to what changed, print its records"),
     OPTIONS(bump_id_options), .instead = "all", .instead_free = true,
     .details = "Edits the policy files in place, the ids and nothing else in them. Says what\n"
                "changed, and until when the old MX hosts must stay. Running it twice changes\n"
                "nothing. Without a DOMAIN it looks at all.",
     .example = "mtasts-host bump-id >>zones/mta-sts.include\n"
                "mtasts-host bump-id --publish --wait\n"
                "mtasts-host bump-id --check"},
    {COMMAND("check", "DOMAIN...|--all", cmd_check, "look at domains from outside, as senders do"),
     OPTIONS(check_options), .instead = "all|explain",
     .details = "Any domain of the world; of those in the configuration it is known what should\n"
                "be there, too. Exits 3 where something would lose mail or protection.",
     .example = "mtasts-host check example.org\n"
                "mtasts-host check --all --json | jq '.domains[].findings[].code'\n"
                "mtasts-host check --all --watch --interval 10m"},
    {COMMAND("query", "DOMAIN", cmd_query,
             "say what a sender must require of a domain's mail hosts"),
     OPTIONS(query_options),
     .details = "Looks as a sender does: at the policy seen before, the TXT record, the policy "
                "host.\n"
                "Exits with 0 where a policy holds, 3 where the domain has none, 1 where nobody "
                "can\n"
                "tell.",
     .example = "mtasts-host query example.org\n"
                "mtasts-host query --format exim --cache /var/spool/exim4/mta-sts example.org"},
    {COMMAND("retire", "DOMAIN...|--list", cmd_retire, "begin to take MTA-STS off a domain"),
     OPTIONS(retire_options), .instead = "list",
     .details = "Edits the policy files in place: mode none with a short max_age, under a new id\n"
                "(a domain on a shared policy gets one of its own). Prints the record, and the\n"
                "day from which policy, record and host may go (RFC 8461 section 8.3).",
     .example = "mtasts-host retire example.org\n"
                "mtasts-host retire --list"},
    {COMMAND("plan", "COMMAND ...", NULL,
             "say in which order and when to change what senders hold"),
     .hidden = true, .example = "mtasts-host plan mx example.org --add mx2.example.org"},
    {COMMAND("plan mx", "DOMAIN", cmd_plan_mx, "move a domain's MX without losing mail"),
     OPTIONS(plan_mx_options),
     .details = "The steps with their dates: a policy that allows old and new hosts, its record,\n"
                "the wait until no sender holds an older one, the MX records, a policy of the new\n"
                "hosts alone. What is done already is seen in the files, the server's history and\n"
                "DNS: run it again to go on.",
     .example = "mtasts-host plan mx example.org --add mx2.example.org --remove mx1.example.org\n"
                "mtasts-host plan mx example.org --add mx2.example.org --apply"},
    {COMMAND("add", "DOMAIN...|-", cmd_add, "add domains to the panel's file"),
     OPTIONS(add_options),
     .details =
         "For control panels: the running server writes the one file of policies that is its\n"
         "own, and answers when they are served. A new domain begins in testing. What is\n"
         "there already is left alone. With - each line of standard input is a domain and\n"
         "its options; one bad line, and nothing is changed.",
     .example = "mtasts-host add example.org --mx mx1.example.org\n"
                "mtasts-host add example.org --policy google\n"
                "mtasts-host add - --policy google <new-customers"},
    {COMMAND("set", "DOMAIN...|-", cmd_set, "change domains of the panel's file"),
     OPTIONS(set_options), .details = "What is not named stays. Changes no other policy file.",
     .example = "mtasts-host set example.org --mode enforce --max-age 1w\n"
                "mtasts-host set example.org --policy google"},
    {COMMAND("remove", "DOMAIN...|-", cmd_remove, "take domains out of the panel's file"),
     OPTIONS(remove_options),
     .details = "They serve mode none from now on, and go by themselves when no sender can hold\n"
                "an older policy (RFC 8461 section 8.3).",
     .example = "mtasts-host remove example.org\n"
                "mtasts-host remove --now example.org"},
    {COMMAND("list", "", cmd_list, "list the domains of the panel's file"), OPTIONS(list_options),
     .details = "Those of other policy files are not the panel's, and not listed.",
     .example = "mtasts-host list --state leaving\n"
                "mtasts-host list --json --policy google"},
    {COMMAND("init", "DOMAIN", cmd_init, "write a first testing policy"), OPTIONS(init_options),
     .details = "Reads the domain's MX records and, where one is served, its live policy. An\n"
                "existing file or domain is never touched.",
     .example = "mtasts-host init example.org\n"
                "mtasts-host init example.org --mx mx1.example.org --mx '*.backup.example.net'"},
    {COMMAND("import", "DIR", cmd_import, "make a policy file from a tree of mta-sts.txt"),
     OPTIONS(import_options),
     .details = "DIR has a directory for each host: mta-sts.DOMAIN/.well-known/mta-sts.txt.\n"
                "DOMAIN alone, and mta-sts.txt without .well-known, are found as well. A policy\n"
                "that several domains have becomes one shared policy.",
     .example = "mtasts-host import /var/www --live --output policies.d/imported.yaml"},
    {COMMAND("export", "DIR", cmd_export, "write the policies as a static tree"),
     OPTIONS(export_options),
     .details = "Writes DIR/mta-sts.DOMAIN/.well-known/mta-sts.txt, only where it differs, "
                "and a\n"
                "list of them, DIR/.mtasts-host-export.",
     .example = "mtasts-host export --delete /srv/mta-sts"},
    {COMMAND("reload", "[PATH...]", cmd_reload, "have the running server read everything again"),
     OPTIONS(reload_options),
     .details = "Answers when the new state is served; exits with 3 where files are in error, "
                "removals\n"
                "are held, or a change of the configuration waits for a restart.",
     .example = "mtasts-host reload --accept-removals\n"
                "mtasts-host reload --accept-removals /etc/mtasts-host/policies.d/tenants.yaml"},
    {COMMAND("status", "", cmd_status, "ask the running server how it is"), OPTIONS(status_options),
     .details = "Exits with 0 where all that should be served is, with 3 where something wants "
                "a\n"
                "person (it says what first) or the server loads or stops, with 1 without an "
                "answer.",
     .example = "mtasts-host status\n"
                "mtasts-host status --wait-ready\n"
                "mtasts-host status --json | jq .files_in_error\n"
                "mtasts-host status --prometheus --output "
                "/var/lib/prometheus/node-exporter/mtasts-host.prom"},
    {COMMAND("cert", "COMMAND ...", NULL, "look at and act on the certificates that come by ACME"),
     .hidden = true, .example = "mtasts-host cert list"},
    {COMMAND("cert list", "", cmd_cert_list, "list names and their certificates by ACME"),
     OPTIONS(cert_list_options),
     .details = "A line for each name that has a certificate of ours or wants one. Works without "
                "a\n"
                "running server.",
     .example = "mtasts-host cert list\n"
                "mtasts-host cert list --json | jq '.hosts[] | select(.state == \"failing\")'"},
    {COMMAND("cert show", "DOMAIN...", cmd_cert_show, "say everything about a name's certificate"),
     OPTIONS(cert_show_options), .details = "Works without a running server.",
     .example = "mtasts-host cert show example.org\n"
                "mtasts-host cert show example.org --pem | openssl x509 -noout -text"},
    {COMMAND("cert renew", "DOMAIN...|--all-failing", cmd_cert_renew,
             "have a certificate ordered now"),
     OPTIONS(cert_renew_options), .instead = "all-failing",
     .details = "The running server looks at the name at once, and orders even where the\n"
                "certificate is good still.",
     .example = "mtasts-host cert renew example.org --wait 2m\n"
                "mtasts-host cert renew --all-failing"},
    {COMMAND("cert revoke", "DOMAIN", cmd_cert_revoke,
             "have a certificate revoked, and another one ordered"),
     OPTIONS(cert_revoke_options),
     .example = "mtasts-host cert revoke example.org --reason key-compromise"},
    {COMMAND("cert import", "DIR", cmd_cert_import,
             "take over certificates of certbot, lego or acme.sh"),
     OPTIONS(cert_import_options),
     .details = "Takes, for each name that is configured, the certificate that lives longest.",
     .example = "mtasts-host cert import --dry-run /etc/letsencrypt\n"
                "mtasts-host cert import /root/.acme.sh"},
    {COMMAND("cert export", "DIR [DOMAIN...]", cmd_cert_export,
             "write certificates and keys as files"),
     .details = "Writes DIR/mta-sts.DOMAIN/{fullchain,privkey}.pem; all of them without a "
                "DOMAIN.",
     .example = "mtasts-host cert export /srv/backup/certificates"},
    {COMMAND("account", "COMMAND ...", NULL, "look at and act on the accounts at the CAs"),
     .hidden = true, .example = "mtasts-host account show"},
    {COMMAND("account show", "", cmd_account_show, "say what accounts there are"),
     OPTIONS(account_show_options), .details = "Works without a running server.",
     .example = "mtasts-host account show"},
    {COMMAND("account rollover", "", cmd_account_rollover, "give accounts a new key"),
     OPTIONS(account_rollover_options),
     .example = "mtasts-host account rollover --directory letsencrypt"},
    {COMMAND("help", "[COMMAND...]", cmd_help, "say what a command does"), OPTIONS(help_options),
     .hidden = true,
     .example = "mtasts-host help bump-id\n"
                "mtasts-host help cert list"},
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
