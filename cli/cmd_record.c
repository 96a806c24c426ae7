/* record: the DNS records as they should stand now. */
#include <stdio.h>

#include "cli/domain_records.h"
#include "cli/publication.h"
#include "cli/record_gate.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"

struct printing {
    struct domain_records records;
    struct publication publication;
    const struct catalogue_view *view; /* the one whose records are made */
    struct record_gate gate;
    bool failed; /* for at least one domain; the others are printed all the same */
};

static bool add_domain(const struct catalogue_view *view, void *context)
{
    struct printing *printing = context;
    struct error e;
    printing->view = view;
    if (record_gate_passes(&printing->gate, view->entry->name) &&
        !domain_records_add(&printing->records, view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        printing->failed = true;
    }
    return true;
}

static bool add_setup(const struct catalogue_view *view, void *context)
{
    struct printing *printing = context;
    const struct settings *settings = printing->records.settings;
    struct error e;
    /* Without its CNAME the name would never get the certificate. */
    bool (*add)(struct domain_records *, const struct catalogue_view *, struct error *) =
        record_gate_passes(&printing->gate, view->entry->name) ? domain_records_add_setup
                                                               : domain_records_add_host;
    if (!add(&printing->records, view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        printing->failed = true;
    }
    if (settings->dns_host == NULL) {
        fprintf(stderr,
                "Add A and AAAA records for mta-sts.%.*s with this server's addresses as well "
                "(with dns.host in %s a CNAME would be printed).\n",
                BYTES_ARG(view->entry->name), settings->file);
    }
    return true;
}

static void take_record(const struct record *record, void *context)
{
    struct printing *printing = context;
    publication_add(&printing->publication, record, printing->view);
}

static int print(const struct invocation *invocation, const struct workspace *workspace)
{
    bool setup = invocation_has(invocation, "setup");
    bool strict = invocation_has(invocation, "strict");
    struct printing printing = {0};
    record_gate_open(&printing.gate, workspace->settings,
                     strict ? RECORD_GATE_STRICT : RECORD_GATE_TELLS, clock_wall_s());
    domain_records_begin(&printing.records, workspace->settings,
                         invocation_value(invocation, "format"));
    bool ok = workspace_each(workspace, invocation, setup ? add_setup : add_domain, &printing);
    domain_records_end(&printing.records);
    int code = record_gate_end(&printing.gate);
    record_gate_close(&printing.gate);
    return ok && !printing.failed ? code : COMMAND_FAILED;
}

static int publish(const struct invocation *invocation, const struct workspace *workspace)
{
    struct error e;
    struct printing printing = {0};
    if (!publication_open(&printing.publication, workspace->settings, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    record_gate_open(&printing.gate, workspace->settings, RECORD_GATE_PUBLISHES, clock_wall_s());
    domain_records_begin_taking(&printing.records, workspace->settings, take_record, &printing);
    bool ok = workspace_each(workspace, invocation, add_domain, &printing);
    domain_records_end(&printing.records);
    int code = record_gate_end(&printing.gate);
    record_gate_close(&printing.gate);
    if (ok) { /* a name that is not ours: nothing is touched */
        publication_warn(&printing.publication);
        ok = publication_run(&printing.publication, invocation_value(invocation, "format"));
    }
    publication_close(&printing.publication);
    return ok && !printing.failed ? code : COMMAND_FAILED;
}

int cmd_record(const struct invocation *invocation)
{
    bool all = invocation_has(invocation, "all");
    bool publishes = invocation_has(invocation, "publish");
    if (all == (invocation->argument_count != 0)) {
        return invocation_usage(invocation, "name domains, or give --all");
    }
    if (publishes && invocation_has(invocation, "setup")) {
        return invocation_usage(invocation,
                                "what --setup prints is the tenant's to set, and is not "
                                "published: leave --publish out");
    }
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    int code = publishes ? publish(invocation, &workspace) : print(invocation, &workspace);
    /* Where domains were named, files in error that do not have them count for nothing. */
    return all && code != COMMAND_FAILED ? command_worse(code, workspace_exit(&workspace)) : code;
}
