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

/* What is wrong with the policies in PATHS, or of SETTINGS, and with --live against MX records.
 * False: told. */
static bool lint_policies(const struct invocation *invocation, const struct settings *settings,
                          const char *const *paths, size_t count, struct diagnostics *d)
{
    struct error e;
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
    catalogue_free(catalogue);
    return true;
}

/* The configuration, and the policies that it names. */
static bool lint_configured(const struct invocation *invocation, struct diagnostics *d)
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
    bool ok = lint_policies(invocation, settings, NULL, 0, d);
    settings_free(settings);
    return ok;
}

/* The files named; a configuration counts only where one was named, too. */
static bool lint_named(const struct invocation *invocation, const struct lint_hosts *hosts,
                       struct diagnostics *d)
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
    bool ok = count == 0 || lint_policies(invocation, settings, paths, count, d);
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
