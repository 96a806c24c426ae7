#include "opening.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/file.h"
#include "server/configuration_copy.h"

bool tell(const struct error *e)
{
    fprintf(stderr, "mtasts-host: %s\n", e->text);
    return false;
}

int fail(const struct error *e)
{
    (void)tell(e);
    return COMMAND_FAILED;
}

void tell_each(const struct error *e, void *context)
{
    (void)context;
    (void)tell(e);
}

bool read_domain(const struct invocation *invocation, const char *text, struct dns_name *ret_domain)
{
    struct error e;
    if (!dns_name_normalise(bytes_of(text), ret_domain, &e)) {
        (void)invocation_usage(invocation, "%s: %s", text, e.text);
        return false;
    }
    if (bytes_starts_with(dns_name_bytes(ret_domain), BYTES(POLICY_HOST_PREFIX))) {
        (void)invocation_usage(invocation,
                               "%s is the host that serves a policy; name the mail domain, %s",
                               ret_domain->text, ret_domain->text + strlen(POLICY_HOST_PREFIX));
        return false;
    }
    return true;
}

struct settings *open_settings(const struct invocation *invocation)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct settings *settings = NULL;
    bool ok = settings_load(settings_find(invocation->config), &settings, &d);
    diagnostics_print(&d, stderr);
    return ok ? settings : NULL;
}

struct settings *open_settings_of_server(const struct invocation *invocation)
{
    struct settings *settings = open_settings(invocation);
    return settings != NULL
               ? settings
               : configuration_copy_find(settings_find(invocation->config), CONFIGURATION_COPY_ASK);
}

static void tell_unowned(const char *why)
{
    if (why != NULL) {
        fprintf(stderr, "From which file a name is served is not known: %s\n", why);
    }
}

bool open_workspace(const struct invocation *invocation, struct workspace *ret_workspace)
{
    struct error e;
    bool ok = workspace_load(settings_find(invocation->config), ret_workspace, &e);
    diagnostics_print(&ret_workspace->configuration, stderr);
    tell_unowned(ret_workspace->unowned);
    diagnostics_print(&ret_workspace->diagnostics, stderr);
    return ok || (e.code != ERROR_NONE && tell(&e));
}

int workspace_exit(const struct workspace *workspace)
{
    return workspace->diagnostics.errors != 0 ? COMMAND_FAILED : COMMAND_DONE;
}

bool open_policies(const struct settings *settings, const char *const *paths, size_t path_count,
                   struct catalogue **ret_catalogue)
{
    struct error e;
    CLEANUP_FREE char *unowned = NULL;
    bool ok = workspace_load_policies(settings, paths, path_count, ret_catalogue, &unowned, &e);
    tell_unowned(unowned);
    return ok || tell(&e);
}

bool open_resolver(const struct invocation *invocation, const struct settings *settings,
                   struct dns_resolver **ret_resolver, struct error *e)
{
    const struct invocation_values *given = invocation_values_if(invocation, "resolver");
    if (given != NULL && given->count != 0) {
        return dns_resolver_new(given->items, given->count, ret_resolver, e);
    }
    const struct settings_list none = {0};
    const struct settings_list *servers = settings != NULL ? &settings->dns_resolvers : &none;
    return dns_resolver_new((const char *const *)servers->items, servers->count, ret_resolver, e);
}

bool write_new_file(const char *path, struct bytes text, struct error *e)
{
    enum { NEW_FILE_MODE = 0644 };
    if (path == NULL || strcmp(path, "-") == 0) {
        fwrite(text.p, 1, text.n, stdout);
        return true;
    }
    return file_write_new(path, text, NEW_FILE_MODE, e);
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

bool each_named(const struct workspace *workspace, const struct invocation *invocation,
                bool (*visit)(const struct catalogue_view *view, void *context), void *context)
{
    struct error e;
    struct each each = {visit, context, true};
    bool found_all = true;
    if (invocation->argument_count == 0) {
        catalogue_each(workspace->catalogue, visit_one, &each);
    }
    for (size_t i = 0; each.ok && i < invocation->argument_count; i++) {
        struct catalogue_view view;
        if (workspace_find(workspace, invocation->arguments[i], &view, &e)) {
            (void)visit_one(&view, &each);
        } else {
            found_all = tell(&e);
        }
    }
    return found_all && each.ok;
}
