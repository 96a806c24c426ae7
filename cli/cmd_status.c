/* status: what the running server says about itself, for people; --json has all of it, --prometheus
 * its numbers. A server that loads or stops answers too, and the exit status says so: whoever waits
 * for it to serve asks until that is 0. */
#include <stdio.h>

#include "base/clock.h"
#include "base/safe_json.h"
#include "cli/control_reply.h"
#include "cli/metrics_view.h"
#include "cli/status_left.h"
#include "cli/status_view.h"
#include "cli/workspace.h"

enum { STATUS_TIMEOUT_MS = 10000 };

/* What the server does not look at itself. */
static void add_left(const struct invocation *invocation, json_t *reply)
{
    CLEANUP_SETTINGS struct settings *settings = workspace_settings(invocation);
    if (settings != NULL) {
        json_object_set_new(reply, "left", status_left_find(settings));
    }
}

/* Names, paths and texts of CAs stand in it: made safe for eyes, in one place for all views. */
static void print_shown(const json_t *reply, void (*print)(const json_t *, int64_t, FILE *))
{
    json_t *shown = safe_json_shown(reply);
    print(shown, clock_wall_s(), stdout);
    json_decref(shown);
}

int cmd_status(const struct invocation *invocation)
{
    if (invocation_has(invocation, "json") && invocation_has(invocation, "prometheus")) {
        return invocation_usage(invocation, "give --json or --prometheus, not both");
    }
    json_t *reply =
        control_reply_ask(invocation, json_pack("{s:s}", "command", "status"), STATUS_TIMEOUT_MS);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    if (!invocation_has(invocation, "prometheus") && status_view_is_serving(reply)) {
        add_left(invocation, reply);
    }
    if (invocation_has(invocation, "json")) {
        control_reply_print_json(reply);
    } else if (invocation_has(invocation, "prometheus")) {
        print_shown(reply, metrics_view_print);
    } else {
        print_shown(reply, status_view_print);
    }
    int code = status_view_is_serving(reply) ? COMMAND_DONE : COMMAND_NO;
    json_decref(reply);
    return code;
}
