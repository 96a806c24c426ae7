#include "changed_records.h"

#include <stdio.h>

#include "cli/domain_records.h"
#include "cli/workspace.h"

struct printing {
    const struct changed_records *changed;
    struct domain_records records;
    bool failed;
};

static bool print_record(const struct policy_set_view *view, void *context)
{
    struct printing *printing = context;
    const struct changed_records *changed = printing->changed;
    struct error e;
    if (!changed->is_changed(view, changed->context)) {
        return true;
    }
    bool one =
        changed->shared && view->shared != NULL && printing->records.settings->dns_delegate != NULL;
    bool ok = one ? domain_records_add_shared(&printing->records, view, &e)
                  : domain_records_add_id(&printing->records, view, &e);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        printing->failed = true;
    }
    return true;
}

bool changed_records_print(const struct changed_records *changed)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(changed->invocation, &workspace)) {
        return false;
    }
    struct printing printing = {.changed = changed};
    domain_records_begin(&printing.records, workspace.settings,
                         invocation_value(changed->invocation, "format"));
    policy_set_each(workspace.set, print_record, &printing);
    domain_records_end(&printing.records);
    return !printing.failed;
}
