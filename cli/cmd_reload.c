/* reload: has the running server read everything again, and answers when it is served. */
#include <stdio.h>

#include "base/safe_json.h"
#include "cli/control_reply.h"
#include "cli/workspace.h"

/* A million domains in 100,000 files on a slow disk. */
enum { RELOAD_TIMEOUT_MS = 10 * 60 * 1000 };

static json_int_t number(const json_t *reply, const char *key)
{
    return json_integer_value(json_object_get(reply, key));
}

static const char *plural(const json_t *reply, const char *key)
{
    return number(reply, key) == 1 ? "" : "s";
}

static const char *restart_needed(const json_t *reply)
{
    const char *keys = json_string_value(json_object_get(reply, "restart_needed"));
    return keys != NULL ? keys : "";
}

static void print_words(const json_t *reply)
{
    control_reply_print_diagnostics(reply, stderr);
    printf("%" JSON_INTEGER_FORMAT " domains served: since the last reading %" JSON_INTEGER_FORMAT
           " file%s read, %" JSON_INTEGER_FORMAT " changed and %" JSON_INTEGER_FORMAT
           " removed (an edit made live before counts there)\n",
           number(reply, "domains"), number(reply, "files_read"), plural(reply, "files_read"),
           number(reply, "published"), number(reply, "removed"));
    if (number(reply, "held") != 0) {
        printf("The removal of %" JSON_INTEGER_FORMAT
               " domain%s is held: \"mtasts-host reload --accept-removals\" accepts it.\n",
               number(reply, "held"), plural(reply, "held"));
    }
    const char *restart = restart_needed(reply);
    if (restart[0] != '\0') {
        printf("These keys of the main configuration count after a restart: %s\n", restart);
    }
}

static bool is_settled(const json_t *reply)
{
    return number(reply, "files_in_error") == 0 && number(reply, "certificates_in_error") == 0 &&
           number(reply, "held") == 0 && number(reply, "removals_held") == 0 &&
           restart_needed(reply)[0] == '\0';
}

int cmd_reload(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = workspace_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    json_t *request = json_pack("{s:s, s:b}", "command", "reload", "accept_removals",
                                (int)invocation_has(invocation, "accept-removals"));
    json_t *reply = control_reply_ask(settings, request, RELOAD_TIMEOUT_MS);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "json")) {
        control_reply_print_json(reply);
    } else {
        json_t *shown = safe_json_shown(reply);
        print_words(shown);
        json_decref(shown);
    }
    int code = is_settled(reply) ? COMMAND_DONE : COMMAND_NO;
    json_decref(reply);
    return code;
}
