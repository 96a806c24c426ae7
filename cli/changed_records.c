#include "changed_records.h"

#include <stdio.h>

#include "cli/domain_records.h"
#include "cli/publication.h"
#include "cli/workspace.h"

struct putting {
    const struct changed_records *changed;
    struct domain_records records;
    struct publication publication;
    const struct catalogue_view *view; /* whose records are made */
    bool failed;
};

static bool open_publication(struct publication *publication, const struct settings *settings)
{
    struct error e;
    if (publication_open(publication, settings, &e)) {
        return true;
    }
    fprintf(stderr, "mtasts-host: %s\n", e.text);
    return false;
}

bool changed_records_check(const struct invocation *invocation, const struct settings *settings)
{
    struct publication publication = {0};
    if (!invocation_has(invocation, "publish")) {
        return true;
    }
    bool ok = open_publication(&publication, settings);
    if (ok) {
        publication_close(&publication);
    }
    return ok;
}

static bool make_record(const struct catalogue_view *view, void *context)
{
    struct putting *putting = context;
    const struct changed_records *changed = putting->changed;
    struct error e;
    if (!changed->is_changed(view, changed->context)) {
        return true;
    }
    putting->view = view;
    bool one =
        changed->shared && view->shared != NULL && putting->records.settings->dns_delegate != NULL;
    bool ok = one ? domain_records_add_shared(&putting->records, view, &e)
                  : domain_records_add_id(&putting->records, view, &e);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        putting->failed = true;
    }
    return true;
}

static void take_record(const struct record *record, void *context)
{
    struct putting *putting = context;
    publication_add(&putting->publication, record, putting->view);
}

static bool publish(struct putting *putting, const struct workspace *workspace)
{
    const struct invocation *invocation = putting->changed->invocation;
    struct publication *publication = &putting->publication;
    if (!open_publication(publication, workspace->settings)) {
        return false;
    }
    domain_records_begin_taking(&putting->records, workspace->settings, take_record, putting);
    catalogue_each(workspace->catalogue, make_record, putting);
    domain_records_end(&putting->records);
    bool all = publication_wait(publication, CHANGED_RECORDS_WAIT_MS);
    bool ok = publication_run(publication, invocation_value(invocation, "format")) && all;
    publication_close(publication);
    return ok;
}

static void print(struct putting *putting, const struct workspace *workspace)
{
    domain_records_begin(&putting->records, workspace->settings,
                         invocation_value(putting->changed->invocation, "format"));
    catalogue_each(workspace->catalogue, make_record, putting);
    domain_records_end(&putting->records);
}

bool changed_records_put(const struct changed_records *changed)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(changed->invocation, &workspace)) {
        return false;
    }
    struct putting putting = {.changed = changed};
    if (invocation_has(changed->invocation, "publish")) {
        return publish(&putting, &workspace) && !putting.failed;
    }
    print(&putting, &workspace);
    return !putting.failed;
}
