/* status: what the running server says about itself, for people; --json has all of it, --prometheus
 * its numbers. The exit status is the verdict: whether something wants a person. Whoever waits for
 * the end of the load has --wait-ready. */
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/opening.h"
#include "cli/status_view.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/safe_json.h"
#include "publish/ready_wait.h"
#include "publish/status_left.h"
#include "server/metrics.h"

enum { STATUS_TIMEOUT_MS = 10000 };

/* Names, paths and texts of CAs stand in it: made safe for eyes, in one place for all views. */
static void print_shown(const json_t *reply, void (*print)(const json_t *, int64_t, FILE *))
{
    json_t *shown = safe_json_shown(reply);
    print(shown, clock_wall_s(), stdout);
    json_decref(shown);
}

/* To FILE, which a collector may read at any time; NULL: standard output. */
static bool put_metrics(const json_t *reply, const char *file)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(METRICS_TEXT_MAX);
    json_t *shown = safe_json_shown(reply);
    metrics_text(shown, clock_wall_s(), &text);
    json_decref(shown);
    if (file == NULL) {
        (void)fwrite(text.p, 1, text.n, stdout);
    } else if (!file_replace(file, buffer_bytes(&text), 0644, &e)) {
        (void)fail(&e);
        return false;
    }
    return true;
}

/* The metrics have the verdict in them, and are the same however it turns out: who writes them into
 * a file is not told that it failed. */
static int verdict(const struct invocation *invocation, const json_t *reply)
{
    bool fine =
        status_view_is_serving(reply) && json_array_size(json_object_get(reply, "attention")) == 0;
    return fine || invocation_has(invocation, "prometheus") ? COMMAND_DONE : COMMAND_NO;
}

static bool print(const struct invocation *invocation, const struct settings *settings,
                  json_t *reply)
{
    if (invocation_has(invocation, "prometheus")) {
        return put_metrics(reply, invocation_value(invocation, "output"));
    }
    if (status_view_is_serving(reply)) {
        /* What the server does not look at itself. */
        json_object_set_new(reply, "left", status_left_find(settings));
    }
    if (invocation_has(invocation, "json")) {
        safe_json_print(reply, stdout);
    } else {
        print_shown(reply, status_view_print);
    }
    return true;
}

static int wait_ready(const struct invocation *invocation)
{
    struct error e;
    CLEANUP_SETTINGS struct settings *settings = open_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    if (!ready_wait(settings, invocation_duration_s(invocation, "wait-ready", 0) * 1000, &e)) {
        return fail(&e);
    }
    return COMMAND_DONE;
}

int cmd_status(const struct invocation *invocation)
{
    if (invocation_has(invocation, "wait-ready")) {
        return wait_ready(invocation);
    }
    CLEANUP_SETTINGS struct settings *settings = open_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    json_t *reply = control_reply_ask(settings, json_pack("{s:s}", "command", "status"),
                                      STATUS_TIMEOUT_MS, NULL);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    int code = print(invocation, settings, reply) ? verdict(invocation, reply) : COMMAND_FAILED;
    json_decref(reply);
    return code;
}
