/* status: what the running server says about itself, for people; --json has all of it, --prometheus
 * its numbers. The exit status is the verdict: whether something wants a person. Whoever waits for
 * the end of the load has --wait-ready. */
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/metrics_view.h"
#include "cli/ready_wait.h"
#include "cli/status_left.h"
#include "cli/status_view.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "lib/yaml/fields.h"

enum { STATUS_TIMEOUT_MS = 10000, WAIT_MAX_S = 86400 };

/* Names, paths and texts of CAs stand in it: made safe for eyes, in one place for all views. */
static void print_shown(const json_t *reply, void (*print)(const json_t *, int64_t, FILE *))
{
    json_t *shown = safe_json_shown(reply);
    print(shown, clock_wall_s(), stdout);
    json_decref(shown);
}

/* The metrics have the verdict in them, and are the same however it turns out: who writes them into
 * a file is not told that it failed. */
static int verdict(const struct invocation *invocation, const json_t *reply)
{
    bool fine =
        status_view_is_serving(reply) && json_array_size(json_object_get(reply, "attention")) == 0;
    return fine || invocation_has(invocation, "prometheus") ? COMMAND_DONE : COMMAND_NO;
}

static void print(const struct invocation *invocation, const struct settings *settings,
                  json_t *reply)
{
    if (invocation_has(invocation, "prometheus")) {
        print_shown(reply, metrics_view_print);
        return;
    }
    if (status_view_is_serving(reply)) {
        /* What the server does not look at itself. */
        json_object_set_new(reply, "left", status_left_find(settings));
    }
    if (invocation_has(invocation, "json")) {
        control_reply_print_json(reply);
    } else {
        print_shown(reply, status_view_print);
    }
}

static int wait_ready(const struct invocation *invocation)
{
    int64_t wait_s = 0;
    if (!fields_parse_duration_s(bytes_of(invocation_value(invocation, "wait-ready")), &wait_s) ||
        wait_s < 1 || wait_s > WAIT_MAX_S) {
        return invocation_usage(invocation, "--wait-ready takes a duration of 1s to 1d");
    }
    struct error e;
    CLEANUP_SETTINGS struct settings *settings = workspace_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    if (!ready_wait(settings, wait_s * 1000, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

int cmd_status(const struct invocation *invocation)
{
    int forms = invocation_has(invocation, "json") + invocation_has(invocation, "prometheus") +
                invocation_has(invocation, "wait-ready");
    if (forms > 1) {
        return invocation_usage(invocation, "give --json, --prometheus or --wait-ready, not both");
    }
    if (invocation_has(invocation, "wait-ready")) {
        return wait_ready(invocation);
    }
    CLEANUP_SETTINGS struct settings *settings = workspace_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    json_t *reply =
        control_reply_ask(settings, json_pack("{s:s}", "command", "status"), STATUS_TIMEOUT_MS);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    print(invocation, settings, reply);
    int code = verdict(invocation, reply);
    json_decref(reply);
    return code;
}
