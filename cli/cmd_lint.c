/* lint: what is wrong or unwise, in policy files, in the configuration, in any mta-sts.txt. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/dns_choice.h"
#include "cli/lint_files.h"
#include "cli/lint_text.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "lib/watch/watch.h"
#include "policies/files/policy_file_path.h"

/* With --live: whom to ask for MX records; else *RET_RESOLVER stays NULL. */
static bool open_resolver(const struct invocation *invocation, const struct settings *settings,
                          struct dns_resolver **ret_resolver)
{
    struct error e;
    if (!invocation_has(invocation, "live") ||
        dns_choice_open(invocation_values(invocation, "resolver"), settings, ret_resolver, &e)) {
        return true;
    }
    fprintf(stderr, "mtasts-host: %s\n", e.text);
    return false;
}

/* The configuration, and the policies that it names. */
static bool lint_configured(const struct invocation *invocation, struct diagnostics *d)
{
    struct settings *settings = NULL;
    if (access(settings_find(invocation->config), R_OK) != 0) {
        settings = workspace_settings(invocation); /* says why */
        if (settings == NULL) {
            return false;
        }
        settings_free(settings);
        settings = NULL;
    }
    if (!settings_load(settings_find(invocation->config), &settings, d)) {
        return true;
    }
    struct lint_more more = {.leaving = true};
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    bool ok = open_resolver(invocation, settings, &resolver);
    more.live = resolver;
    ok = ok && lint_files(settings, NULL, 0, &more, clock_wall_s(), d);
    settings_free(settings);
    return ok;
}

static void count_file(const char *path, const struct error *problem, void *context)
{
    (void)problem;
    *(size_t *)context += policy_file_path_counts(path);
}

static bool has_policy_files(const char *directory, struct diagnostics *d)
{
    size_t count = 0;
    struct error ignored;
    if (!watch_list(directory, count_file, &count, &ignored) || count != 0) {
        return true; /* what cannot be listed is told when it is read */
    }
    diagnostics_add(d, SEVERITY_ERROR, directory, 0, 0,
                    "there is no policy file (*.yaml, *.yml) in this directory; name another");
    return false;
}

/* Whether PATH is something to read; else an error in D. */
static bool is_there(const char *path, struct diagnostics *d)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "cannot read \"%s\": %s; name an existing file or directory", path,
                        errno == ENOENT ? "there is no such file" : "it is not accessible");
        return false;
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "this is no regular file; save it as a file and name that");
        return false;
    }
    return !S_ISDIR(status.st_mode) || has_policy_files(path, d);
}

/* Whether the file PATH by itself is a policy file. */
static bool parses(const char *path)
{
    struct error ignored;
    struct catalogue *catalogue = NULL;
    struct catalogue_counts counts = {0};
    const struct catalogue_options options = {.paths = &path, .path_count = 1, .apart = true};
    if (catalogue_load(&options, &catalogue, &ignored)) {
        catalogue_counts(catalogue, &counts);
        catalogue_free(catalogue);
    }
    return counts.files > counts.files_in_error;
}

/* The main configuration by mistake: told once, not as an error for each of its keys. */
static bool is_configuration(const char *path, struct diagnostics *d)
{
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    struct stat status;
    struct settings *settings = NULL;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || parses(path) ||
        !settings_load(path, &settings, &ignored)) {
        return false;
    }
    settings_free(settings);
    diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                    "this looks like the main configuration, not like a policy file; run "
                    "\"mtasts-host -c %s lint\"",
                    path);
    return true;
}

/* The files named; a configuration counts only where one was named, too. */
static bool lint_named(const struct invocation *invocation, const struct lint_hosts *hosts,
                       struct diagnostics *d)
{
    struct settings *settings = NULL;
    if (invocation->config != NULL) {
        settings = workspace_settings(invocation);
        if (settings == NULL) {
            return false;
        }
    }
    CLEANUP_FREE const char **paths = memory_zero(invocation->argument_count + 1, sizeof(paths[0]));
    size_t count = 0;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (lint_is_text(invocation->arguments[i])) {
            lint_text(invocation->arguments[i], hosts, d);
        } else if (is_there(invocation->arguments[i], d) &&
                   !is_configuration(invocation->arguments[i], d)) {
            paths[count++] = invocation->arguments[i];
        }
    }
    struct lint_more more = {0};
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    bool ok = open_resolver(invocation, settings, &resolver);
    more.live = resolver;
    ok = ok && (count == 0 || lint_files(settings, paths, count, &more, clock_wall_s(), d));
    if (settings != NULL) {
        settings_free(settings);
    }
    return ok;
}

static void print_json(const struct diagnostics *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->count; i++) {
        const struct diagnostic *item = &d->items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:i, s:i, s:o}", "severity",
                            item->severity == SEVERITY_ERROR ? "error" : "warning", "file",
                            safe_json_text(item->file), "line", (int)item->line, "column",
                            (int)item->column, "text", safe_json_text(item->text)));
    }
    json_t *all = json_pack("{s:I, s:I, s:o}", "errors", (json_int_t)d->errors, "warnings",
                            (json_int_t)(d->count + d->dropped - d->errors), "diagnostics", list);
    safe_json_print(all, stdout);
    json_decref(all);
}

/* --mx is about the patterns of files named *.txt. */
static bool has_text(const struct invocation *invocation)
{
    bool found = false;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        found = found || lint_is_text(invocation->arguments[i]);
    }
    return found;
}

/* What was asked for, by options and arguments. False: told on stderr. */
static bool lint_asked(const struct invocation *invocation, const struct lint_hosts *hosts,
                       struct diagnostics *d)
{
    const struct invocation_values *records = invocation_values(invocation, "txt");
    if (records->count != 0) {
        lint_records(records->items, records->count, d);
    } else if (invocation->argument_count == 0) {
        return lint_configured(invocation, d);
    }
    return invocation->argument_count == 0 || lint_named(invocation, hosts, d);
}

int cmd_lint(const struct invocation *invocation)
{
    struct error e;
    const struct invocation_values *named = invocation_values(invocation, "mx");
    CLEANUP(lint_hosts_clear) struct lint_hosts hosts = {0};
    if (named->count != 0 && !has_text(invocation)) {
        return invocation_usage(invocation, "--mx goes with a file named *.txt");
    }
    if (!lint_hosts_parse(named->items, named->count, &hosts, &e)) {
        return invocation_usage(invocation, "%s", e.text);
    }
    if (invocation_has(invocation, "resolver") && !invocation_has(invocation, "live")) {
        return invocation_usage(invocation, "--resolver goes with --live");
    }
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (!lint_asked(invocation, &hosts, &d)) {
        return COMMAND_FAILED;
    }
    diagnostics_sort(&d);
    size_t warnings = d.count + d.dropped - d.errors;
    if (invocation_has(invocation, "json")) {
        print_json(&d);
    } else {
        diagnostics_print(&d, stdout);
        fprintf(stderr, "%zu error%s, %zu warning%s\n", d.errors, d.errors == 1 ? "" : "s",
                warnings, warnings == 1 ? "" : "s");
    }
    bool clean = d.errors == 0 && (warnings == 0 || !invocation_has(invocation, "strict"));
    return clean ? COMMAND_DONE : COMMAND_NO;
}
