/* reload: has the running server read everything again, and answers when it is served. */
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/workspace.h"

/* A million domains in 100,000 files on a slow disk. */
enum { RELOAD_TIMEOUT_MS = 10 * 60 * 1000 };

static json_int_t number(const json_t *reply, const char *key)
{
    return json_integer_value(json_object_get(reply, key));
}

static void print_words(const json_t *reply)
{
    control_reply_print_diagnostics(reply, stderr);
    printf("%" JSON_INTEGER_FORMAT " files read, %" JSON_INTEGER_FORMAT
           " policies and domains changed, %" JSON_INTEGER_FORMAT " domains removed\n",
           number(reply, "files_read"), number(reply, "published"), number(reply, "removed"));
    if (number(reply, "held") != 0) {
        printf("The removal of %" JSON_INTEGER_FORMAT
               " domains is held: \"mtasts-host reload --accept-removals\" accepts it.\n",
               number(reply, "held"));
    }
}

int cmd_reload(const struct invocation *invocation)
{
    json_t *request = json_pack("{s:s, s:b}", "command", "reload", "accept_removals",
                                (int)invocation_has(invocation, "accept-removals"));
    json_t *reply = control_reply_ask(invocation, request, RELOAD_TIMEOUT_MS);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "json")) {
        control_reply_print_json(reply);
    } else {
        print_words(reply);
    }
    json_decref(reply);
    return COMMAND_DONE;
}
