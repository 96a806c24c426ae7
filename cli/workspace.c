#include "workspace.h"

#include <stdio.h>

#include "cli/ownership_source.h"
#include "lib/base/safe_text.h"
#include "policies/files/mirror_copy.h"
#include "server/configuration_copy.h"

enum { DEFAULT_MAX_AGE_S = 604800 }; /* as mtasts-host.yaml has it where no file is read */

struct settings *workspace_settings(const struct invocation *invocation)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct settings *settings = NULL;
    const char *file = settings_find(invocation->config);
    bool ok = settings_load(file, &settings, &d);
    diagnostics_print(&d, stderr);
    return ok ? settings : NULL;
}

struct settings *workspace_settings_of_server(const struct invocation *invocation)
{
    struct settings *settings = workspace_settings(invocation);
    return settings != NULL
               ? settings
               : configuration_copy_find(settings_find(invocation->config), CONFIGURATION_COPY_ASK);
}

struct policy_file_defaults workspace_defaults(const struct settings *settings)
{
    return (struct policy_file_defaults){
        .max_age_s = settings != NULL ? (uint32_t)settings->default_max_age_s : DEFAULT_MAX_AGE_S,
    };
}

bool workspace_load_policies(const struct settings *settings, const char *const *paths,
                             size_t path_count, struct catalogue **ret_catalogue)
{
    CLEANUP_FREE char *copies = settings != NULL ? mirror_copy_directory(settings->state) : NULL;
    struct ownership_source source = {.settings = settings};
    struct catalogue_options options = {
        .paths = paths,
        .path_count = path_count,
        .defaults = workspace_defaults(settings),
        .mirror_copies = copies,
        .owners_of = settings != NULL ? ownership_source_ask : NULL,
        .context = &source,
    };
    if (paths == NULL) {
        options.paths = (const char *const *)settings->policies.items;
        options.entries = (const char *const *)settings->policies_written.items;
        options.path_count = settings->policies.count;
    }
    struct error e;
    bool ok = catalogue_load(&options, ret_catalogue, &e);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
    } else if (source.why != NULL) {
        fprintf(stderr, "From which file a name is served is not known: %s\n", source.why);
    }
    ownership_source_clear(&source);
    return ok;
}

bool workspace_open(const struct invocation *invocation, struct workspace *ret_workspace)
{
    *ret_workspace = (struct workspace){0};
    struct settings *settings = workspace_settings(invocation);
    if (settings == NULL) {
        return false;
    }
    struct catalogue *catalogue = NULL;
    if (!workspace_load_policies(settings, NULL, 0, &catalogue)) {
        settings_free(settings);
        return false;
    }
    ret_workspace->settings = settings;
    ret_workspace->catalogue = catalogue;
    catalogue_diagnostics(catalogue, &ret_workspace->diagnostics);
    diagnostics_print(&ret_workspace->diagnostics, stderr);
    return true;
}

void workspace_clear(struct workspace *workspace)
{
    catalogue_free(workspace->catalogue);
    if (workspace->settings != NULL) {
        settings_free(workspace->settings);
    }
    diagnostics_clear(&workspace->diagnostics);
    *workspace = (struct workspace){0};
}

int workspace_exit(const struct workspace *workspace)
{
    return workspace->diagnostics.errors != 0 ? COMMAND_FAILED : COMMAND_DONE;
}

bool workspace_is_disputed(const struct catalogue *catalogue, const struct dns_name *domain)
{
    if (!catalogue_is_disputed(catalogue, dns_name_bytes(domain))) {
        return false;
    }
    fprintf(stderr,
            "mtasts-host: which file has the domain %s, or the shared policy that it uses, is not "
            "known; mend the errors above\n",
            domain->text);
    return true;
}

bool workspace_find(const struct workspace *workspace, const char *text,
                    struct catalogue_view *ret_view)
{
    struct error e;
    struct dns_name domain;
    if (!dns_name_normalise(bytes_of(text), &domain, &e)) {
        fprintf(stderr, "mtasts-host: %s: %s\n", SAFE_TEXT(text), e.text);
        return false;
    }
    if (catalogue_find(workspace->catalogue, dns_name_bytes(&domain), ret_view)) {
        return true;
    }
    if (workspace_is_disputed(workspace->catalogue, &domain)) {
        return false;
    }
    if (workspace->diagnostics.errors != 0) {
        fprintf(stderr,
                "mtasts-host: the domain %s is not in the files that can be read; mend the errors "
                "above\n",
                domain.text);
    } else {
        fprintf(stderr,
                "mtasts-host: no policy file has the domain %s; add it, or begin with "
                "\"mtasts-host init %s\"\n",
                domain.text, domain.text);
    }
    return false;
}

bool workspace_has_policy(const struct catalogue_view *view, struct error *e)
{
    return view->policy != NULL ||
           error_set(e, ERROR_NOT_FOUND,
                     "its shared policy %.*s follows %s, whose policy is not known yet; let the "
                     "server fetch it first",
                     BYTES_ARG(view->shared->name), view->shared->mirror->domain.text);
}

struct each {
    bool (*visit)(const struct catalogue_view *view, void *context);
    void *context;
    bool ok;
};

static bool visit_one(const struct catalogue_view *view, void *context)
{
    struct each *each = context;
    each->ok = each->visit(view, each->context);
    return each->ok;
}

bool workspace_each(const struct workspace *workspace, const struct invocation *invocation,
                    bool (*visit)(const struct catalogue_view *view, void *context), void *context)
{
    struct each each = {visit, context, true};
    if (invocation->argument_count == 0) {
        catalogue_each(workspace->catalogue, visit_one, &each);
        return each.ok;
    }
    bool found_all = true;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        struct catalogue_view view;
        if (!workspace_find(workspace, invocation->arguments[i], &view)) {
            found_all = false;
        } else if (!visit(&view, context)) {
            return false;
        }
    }
    return found_all;
}
