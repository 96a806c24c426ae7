/* cert revoke: has the running server revoke a certificate at the CA that issued it. */
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/opening.h"
#include "publish/certificates/revoke_reason.h"
#include "publish/certificates/sts_host.h"

enum { REVOKE_TIMEOUT_MS = 5 * 60 * 1000 }; /* the CA answers first */

int cmd_cert_revoke(const struct invocation *invocation)
{
    struct error e;
    struct dns_name host;
    if (!sts_host_parse(invocation->arguments[0], &host, &e)) {
        return invocation_usage(invocation, "%s", e.text);
    }
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    json_t *request =
        json_pack("{s:s, s:s, s:i}", "command", "cert-revoke", "host", host.text, "reason",
                  revoke_reason_code(invocation_value(invocation, "reason")));
    json_t *reply = control_reply_ask(settings, request, REVOKE_TIMEOUT_MS, host.text);
    if (reply == NULL) {
        return COMMAND_FAILED;
    }
    json_decref(reply);
    fprintf(stderr, "%s: revoked; another one is ordered\n", host.text);
    return COMMAND_DONE;
}
