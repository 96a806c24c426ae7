/* serve: the server itself. */
#include <stdio.h>
#include <unistd.h>

#include "cli/opening.h"
#include "lib/base/log.h"
#include "server/configuration_copy.h"
#include "server/server.h"

/* `--check`: whether the server would start with this, told without starting it. */
static int check(const struct invocation *invocation)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!open_workspace(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    struct catalogue_counts counts;
    catalogue_counts(workspace.catalogue, &counts);
    fprintf(stderr, "domains %zu, shared policies %zu, files %zu, in error %zu\n", counts.domains,
            counts.shared_policies, counts.files, counts.files_in_error);
    return workspace_exit(&workspace);
}

/* FILE, or what is remembered of it where it is in error: that must not take the tenants away. */
static struct settings *load(const char *file, struct diagnostics *ret_trouble)
{
    struct settings *settings = NULL;
    return settings_load(file, &settings, ret_trouble)
               ? settings
               : configuration_copy_find(file, CONFIGURATION_COPY_START);
}

int cmd_serve(const struct invocation *invocation)
{
    if (invocation_has(invocation, "check")) {
        return check(invocation);
    }
    CLEANUP(diagnostics_clear) struct diagnostics trouble = {0};
    struct settings *settings = load(settings_find(invocation->config), &trouble);
    if (settings == NULL || trouble.errors == 0) { /* else the log has them */
        diagnostics_print(&trouble, stderr);
    }
    if (settings == NULL) {
        return COMMAND_CONFIGURATION;
    }
    struct log *log = log_new(
        STDERR_FILENO, invocation->log_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    struct error e;
    bool ok = server_run(settings, &trouble, log, &e);
    if (!ok) {
        log_event(log, LOG_LEVEL_ERROR, "server.failed", LOG_TEXT("error", e.text));
    }
    log_free(log);
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}
