/* retire: the first step of taking MTA-STS off domains, and what is retired (publish/retirement.h).
 */
#include <stdio.h>

#include "cli/opening.h"
#include "cli/record_output.h"
#include "cli/retire_view.h"
#include "lib/base/clock.h"
#include "lib/base/name_map.h"
#include "lib/base/time_text.h"
#include "publish/retirement.h"

struct retire {
    const struct invocation *invocation;
    struct workspace workspace;
    struct retiring retiring;
    struct record_output output;
    struct name_map done; /* domains that serve mode none now */
    bool failed;
};

static void clear(struct retire *retire)
{
    record_output_close(&retire->output);
    retiring_clear(&retire->retiring);
    name_map_clear(&retire->done);
    workspace_clear(&retire->workspace);
}

static bool retire_domain(const struct catalogue_view *view, void *context)
{
    struct retire *retire = context;
    struct error e;
    struct retirement made;
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (!workspace_has_policy(view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        retire->failed = true;
    } else if (!retirement_make(&retire->retiring, view, &made, &d)) {
        diagnostics_print(&d, stderr);
        retire->failed = true;
    } else {
        name_map_add(&retire->done, view->entry->name);
        retire_view_tell(view, &made, retire->retiring.now_s);
    }
    return true;
}

static bool add_retired(const struct catalogue_view *view, void *context)
{
    struct retire *retire = context;
    if (name_map_find(&retire->done, view->entry->name) != NULL) {
        record_output_add(&retire->output, view, RECORDS_OF_ID, catalogue_view_id(view));
    }
    return true;
}

/* Of the policy files as they are now. False: told. */
static bool put_records(struct retire *retire)
{
    CLEANUP(workspace_clear) struct workspace after;
    if (!open_workspace(retire->invocation, &after)) {
        return false;
    }
    catalogue_each(after.catalogue, add_retired, retire);
    bool ok = record_output_end(&retire->output) == COMMAND_DONE;
    if (retire->output.publishes) {
        ok = record_output_publish(&retire->output) && ok;
    }
    record_output_close(&retire->output); /* its records are of what is closed now */
    retire->output = (struct record_output){0};
    return ok;
}

static int retire_all(struct retire *retire)
{
    const struct invocation *invocation = retire->invocation;
    if (!open_workspace(invocation, &retire->workspace)) {
        return COMMAND_FAILED;
    }
    const struct settings *settings = retire->workspace.settings;
    bool dry = invocation_has(invocation, "dry-run");
    retire->retiring = (struct retiring){
        .settings = settings,
        .history.control = settings_control(settings),
        .max_age_s = invocation_duration_s(invocation, "max-age", -1),
        .now_s = clock_wall_s(),
        .write = !dry,
    };
    if (!record_output_open(&retire->output, invocation, settings, RECORDS_UNGATED)) {
        return COMMAND_FAILED;
    }
    if (!each_named(&retire->workspace, invocation, retire_domain, retire)) {
        retire->failed = true;
    }
    retire_view_end(&retire->retiring);
    if (dry) {
        fprintf(stderr, "Nothing was written (--dry-run).\n");
    } else if (retire->done.count != 0 && !put_records(retire)) {
        retire->failed = true;
    }
    return retire->failed ? COMMAND_FAILED : COMMAND_DONE;
}

static int list(const struct invocation *invocation)
{
    struct error e;
    CLEANUP(leaving_list_clear) struct leaving_list found = {0};
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL || !(leaving_list_ask(settings, &found, &e) || tell(&e))) {
        return COMMAND_FAILED;
    }
    int64_t now_s = clock_wall_s();
    if (invocation_has(invocation, "json")) {
        retire_view_print_json(&found, now_s);
    } else {
        retire_view_print(&found, now_s, stdout);
    }
    return COMMAND_DONE;
}

int cmd_retire(const struct invocation *invocation)
{
    CLEANUP(clear) struct retire retire = {.invocation = invocation};
    return invocation_has(invocation, "list") ? list(invocation) : retire_all(&retire);
}
