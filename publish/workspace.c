#include "workspace.h"

#include <assert.h>

#include "policies/files/mirror_copy.h"
#include "publish/ownership_source.h"

enum { DEFAULT_MAX_AGE_S = 604800 }; /* as mtasts-host.yaml has it where no file is read */

struct policy_file_defaults workspace_defaults(const struct settings *settings)
{
    return (struct policy_file_defaults){
        .max_age_s = settings != NULL ? (uint32_t)settings->default_max_age_s : DEFAULT_MAX_AGE_S,
    };
}

bool workspace_load_policies(const struct settings *settings, const char *const *paths,
                             size_t path_count, struct catalogue **ret_catalogue,
                             char **ret_unowned, struct error *e)
{
    assert(settings != NULL || paths != NULL);
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
    bool ok = catalogue_load(&options, ret_catalogue, e);
    *ret_unowned = ok ? TAKE(source.why) : NULL;
    ownership_source_clear(&source);
    return ok;
}

bool workspace_load(const char *file, struct workspace *ret_workspace, struct error *e)
{
    struct workspace *workspace = ret_workspace;
    *workspace = (struct workspace){0};
    *e = (struct error){0};
    if (!settings_load(file, &workspace->settings, &workspace->configuration)) {
        workspace->settings = NULL;
        return false;
    }
    if (!workspace_load_policies(workspace->settings, NULL, 0, &workspace->catalogue,
                                 &workspace->unowned, e)) {
        return false;
    }
    catalogue_diagnostics(workspace->catalogue, &workspace->diagnostics);
    return true;
}

void workspace_clear(struct workspace *workspace)
{
    catalogue_free(workspace->catalogue);
    if (workspace->settings != NULL) {
        settings_free(workspace->settings);
    }
    diagnostics_clear(&workspace->configuration);
    diagnostics_clear(&workspace->diagnostics);
    free(workspace->unowned);
    *workspace = (struct workspace){0};
}

bool workspace_is_clear(const struct catalogue *catalogue, const struct dns_name *domain,
                        struct error *e)
{
    return !catalogue_is_disputed(catalogue, dns_name_bytes(domain)) ||
           error_set(e, ERROR_CONFLICT,
                     "which file has the domain %s, or the shared policy that it uses, is not "
                     "known; mend the errors above",
                     domain->text);
}

bool workspace_find(const struct workspace *workspace, const char *text,
                    struct catalogue_view *ret_view, struct error *e)
{
    struct dns_name domain;
    if (!dns_name_normalise(bytes_of(text), &domain, e)) {
        return error_prefix(e, "%s: ", text);
    }
    if (catalogue_find(workspace->catalogue, dns_name_bytes(&domain), ret_view)) {
        return true;
    }
    if (!workspace_is_clear(workspace->catalogue, &domain, e)) {
        return false;
    }
    return workspace->diagnostics.errors != 0
               ? error_set(e, ERROR_NOT_FOUND,
                           "the domain %s is not in the files that can be read; mend the errors "
                           "above",
                           domain.text)
               : error_set(e, ERROR_NOT_FOUND,
                           "no policy file has the domain %s; add it, or begin with \"mtasts-host "
                           "init %s\"",
                           domain.text, domain.text);
}

bool workspace_has_policy(const struct catalogue_view *view, struct error *e)
{
    return view->policy != NULL ||
           error_set(e, ERROR_NOT_FOUND,
                     "its shared policy %.*s follows %s, whose policy is not known yet; let the "
                     "server fetch it first",
                     BYTES_ARG(view->shared->name), view->shared->mirror->domain.text);
}
