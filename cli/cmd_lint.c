/* lint: what is wrong or unwise, in policy files, in the configuration, in any mta-sts.txt. */
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "checks/lint_live.h"
#include "cli/json_view.h"
#include "cli/opening.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "policies/files/catalogue_lint.h"
#include "policies/files/lint_text.h"
#include "publish/lint_leaving.h"
#include "publish/lint_path.h"
#include "publish/removal_check.h"

/* What was looked at. */
struct lint_seen {
    size_t domains;
    size_t files;
};

/* What went since the copy OLD. False: told. */
static bool lint_since(const struct catalogue *catalogue, const struct settings *settings,
                       const char *old, struct diagnostics *d)
{
    const struct policy_file_defaults defaults = workspace_defaults(settings);
    CLEANUP(diagnostics_clear) struct diagnostics problems = {0};
    struct catalogue *older = catalogue_load_older(old, &defaults, &problems);
    struct catalogue_counts counts;
    diagnostics_print(&problems, stderr);
    if (older == NULL) {
        return false;
    }
    catalogue_counts(catalogue, &counts);
    if (counts.files_in_error == 0) { /* else nobody knows what is in these */
        removal_check(catalogue, older, d);
    }
    catalogue_free(older);
    return true;
}

/* A server of SETTINGS would start with nothing to serve. */
static void lint_empty(const struct settings *settings, const struct catalogue_counts *counts,
                       struct diagnostics *d)
{
    if (counts->files == 0) {
        diagnostics_add(d, SEVERITY_ERROR, settings->file, 0, 0,
                        "there is no policy file (*.yaml, *.yml) where `policies` says; begin with "
                        "\"mtasts-host init DOMAIN\", or correct `policies`");
    } else if (counts->domains == 0 && counts->files_in_error == 0) {
        diagnostics_add(d, SEVERITY_WARNING, settings->file, 0, 0,
                        "the policy files have no domain: nothing is served");
    }
}

/* What is wrong with the policies in PATHS, or of SETTINGS, and with --live against MX records.
 * False: told. */
static bool lint_policies(const struct invocation *invocation, const struct settings *settings,
                          const char *const *paths, size_t count, struct diagnostics *d,
                          struct lint_seen *ret_seen)
{
    struct error e;
    struct catalogue_counts counts;
    const char *since = invocation_value(invocation, "since");
    struct catalogue *catalogue = NULL;
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    bool live = invocation_has(invocation, "live");
    if (live && !open_resolver(invocation, settings, &resolver, &e)) {
        return tell(&e);
    }
    if (!open_policies(settings, paths, count, &catalogue)) {
        return false;
    }
    int64_t now_s = clock_wall_s();
    catalogue_lint(catalogue, now_s, d);
    if (live) {
        lint_live(catalogue, resolver, d);
    }
    if (paths == NULL && !lint_leaving(settings, catalogue, now_s, d, &e)) {
        fprintf(stderr, "Which domains are retired is not known: %s\n", e.text);
    }
    catalogue_counts(catalogue, &counts);
    *ret_seen = (struct lint_seen){counts.domains, counts.files};
    if (paths == NULL) {
        lint_empty(settings, &counts, d);
    }
    bool ok = since == NULL || lint_since(catalogue, settings, since, d);
    catalogue_free(catalogue);
    return ok;
}

/* The configuration, and the policies that it names. */
static bool lint_configured(const struct invocation *invocation, struct diagnostics *d,
                            struct lint_seen *ret_seen)
{
    struct settings *settings = NULL;
    if (access(settings_find(invocation->config), R_OK) != 0) {
        settings = open_settings(invocation); /* says why */
        if (settings == NULL) {
            return false;
        }
        settings_free(settings);
        settings = NULL;
    }
    if (!settings_load(settings_find(invocation->config), &settings, d)) {
        return true;
    }
    bool ok = lint_policies(invocation, settings, NULL, 0, d, ret_seen);
    settings_free(settings);
    return ok;
}

/* The files named; a configuration counts only where one was named, too. */
static bool lint_named(const struct invocation *invocation, const struct lint_hosts *hosts,
                       struct diagnostics *d, struct lint_seen *ret_seen)
{
    struct settings *settings = NULL;
    if (invocation->config != NULL) {
        settings = open_settings(invocation);
        if (settings == NULL) {
            return false;
        }
    }
    CLEANUP_FREE const char **paths = memory_zero(invocation->argument_count + 1, sizeof(paths[0]));
    size_t count = 0;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (lint_is_text(invocation->arguments[i])) {
            lint_text(invocation->arguments[i], hosts, d);
        } else if (lint_path_is_policy(invocation->arguments[i], d)) {
            paths[count++] = invocation->arguments[i];
        }
    }
    bool ok = count == 0 || lint_policies(invocation, settings, paths, count, d, ret_seen);
    if (settings != NULL) {
        settings_free(settings);
    }
    return ok;
}

static void print_text(const struct diagnostics *d, const struct lint_seen *seen)
{
    size_t warnings = d->count + d->dropped - d->errors;
    diagnostics_print(d, stdout);
    fprintf(stderr, "%zu error%s, %zu warning%s", d->errors, d->errors == 1 ? "" : "s", warnings,
            warnings == 1 ? "" : "s");
    if (seen->files != 0) {
        fprintf(stderr, " in %zu domain%s of %zu policy file%s", seen->domains,
                seen->domains == 1 ? "" : "s", seen->files, seen->files == 1 ? "" : "s");
    }
    fputc('\n', stderr);
}

static void print_json(const struct diagnostics *d, const struct lint_seen *seen)
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
    json_t *all =
        json_pack("{s:I, s:I, s:I, s:I, s:o}", "errors", (json_int_t)d->errors, "warnings",
                  (json_int_t)(d->count + d->dropped - d->errors), "domains",
                  (json_int_t)seen->domains, "files", (json_int_t)seen->files, "diagnostics", list);
    json_view_print(all, stdout);
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
                       struct diagnostics *d, struct lint_seen *ret_seen)
{
    const struct invocation_values *records = invocation_values(invocation, "txt");
    if (records->count != 0) {
        lint_records(records->items, records->count, d);
    } else if (invocation->argument_count == 0) {
        return lint_configured(invocation, d, ret_seen);
    }
    return invocation->argument_count == 0 || lint_named(invocation, hosts, d, ret_seen);
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
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct lint_seen seen = {0};
    if (!lint_asked(invocation, &hosts, &d, &seen)) {
        return COMMAND_FAILED;
    }
    diagnostics_sort(&d);
    (invocation_has(invocation, "json") ? print_json : print_text)(&d, &seen);
    bool warns = d.count + d.dropped != d.errors && invocation_has(invocation, "strict");
    return d.errors == 0 && !warns ? COMMAND_DONE : COMMAND_NO;
}
