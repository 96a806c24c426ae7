/* record: the DNS records as they should stand now; --prune: those that should stand no more. */
#include <stdio.h>

#include "cli/opening.h"
#include "cli/record_output.h"
#include "cli/record_prune.h"

static bool add_domain(const struct catalogue_view *view, void *context)
{
    struct record_output *output = context;
    if (record_output_passes(output, view)) {
        record_output_add(output, view, RECORDS_OF_DOMAIN, catalogue_view_id(view));
    }
    return true;
}

static bool add_setup(const struct catalogue_view *view, void *context)
{
    struct record_output *output = context;
    const struct settings *settings = output->records.settings;
    /* Without its CNAME the name would never get the certificate. */
    record_output_add(output, view,
                      record_output_passes(output, view) ? RECORDS_OF_SETUP : RECORDS_OF_HOST,
                      catalogue_view_id(view));
    if (settings->dns_host == NULL) {
        fprintf(stderr,
                "Add A and AAAA records for mta-sts.%.*s with this server's addresses as well "
                "(with dns.host in %s a CNAME would be printed).\n",
                BYTES_ARG(view->entry->name), settings->file);
    }
    return true;
}

static int run(const struct invocation *invocation, const struct workspace *workspace)
{
    CLEANUP(record_output_close) struct record_output output;
    bool setup = invocation_has(invocation, "setup");
    if (!record_output_open(&output, invocation, workspace->settings,
                            invocation_has(invocation, "strict") ? RECORDS_GATED_STRICTLY
                                                                 : RECORDS_GATED) ||
        !record_output_take_wait(&output, invocation)) {
        return COMMAND_FAILED;
    }
    bool ok = each_named(workspace, invocation, setup ? add_setup : add_domain, &output);
    int code = record_output_end(&output);
    if (ok && output.publishes) { /* a name that is not ours: nothing is touched */
        ok = record_output_publish(&output);
    }
    return ok ? code : COMMAND_FAILED;
}

int cmd_record(const struct invocation *invocation)
{
    bool all = invocation_has(invocation, "all");
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!open_workspace(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "prune")) {
        return record_prune(invocation, &workspace);
    }
    int code = run(invocation, &workspace);
    /* Where domains were named, files in error that do not have them count for nothing. */
    return all && code != COMMAND_FAILED ? command_worse(code, workspace_exit(&workspace)) : code;
}
