/* account rollover: has the running server give its accounts new keys (RFC 8555 §7.3.5). */
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/opening.h"
#include "lib/base/safe_json.h"

enum { ROLLOVER_TIMEOUT_MS = 5 * 60 * 1000 }; /* every CA answers first */

int cmd_account_rollover(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    const char *directory = invocation_value(invocation, "directory");
    json_t *request = json_pack("{s:s, s:o}", "command", "account-rollover", "directory",
                                safe_json_text(directory));
    json_t *reply = control_reply_ask(settings, request, ROLLOVER_TIMEOUT_MS,
                                      directory != NULL ? directory : "account");
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    json_decref(reply);
    fprintf(stderr, "The account%s a new key.\n", directory != NULL ? " has" : "s have");
    return COMMAND_DONE;
}
