/* status: what the running server says about itself, for people; --json has all of it. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/control_reply.h"
#include "cli/status_view.h"

enum { STATUS_TIMEOUT_MS = 10000 };

int cmd_status(const struct invocation *invocation)
{
    json_t *reply =
        control_reply_ask(invocation, json_pack("{s:s}", "command", "status"), STATUS_TIMEOUT_MS);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "json")) {
        control_reply_print_json(reply);
    } else {
        status_view_print(reply, clock_wall_s(), stdout);
    }
    json_decref(reply);
    return COMMAND_DONE;
}
