/* cert renew: has the running server order now, and waits for what becomes of it. */
#include <stdio.h>

#include "cli/opening.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"
#include "publish/certificates/renewal_request.h"
#include "publish/certificates/sts_host.h"

static bool collect(struct renewal_request *request, const struct invocation *invocation,
                    struct error *e)
{
    for (size_t i = 0; i < invocation->argument_count; i++) {
        struct dns_name name;
        if (!sts_host_parse(invocation->arguments[i], &name, e)) {
            return false;
        }
        renewal_request_add(request, &name);
    }
    return !invocation_has(invocation, "all-failing") || renewal_request_add_failing(request, e);
}

static void tell_ended(const struct renewal_host *host, const char *problem, void *context)
{
    int *code = context;
    if (problem == NULL) {
        fprintf(stderr, "%s: a new certificate is there\n", host->name.text);
    } else {
        fprintf(stderr, "mtasts-host: %s: %s\n", host->name.text, SAFE_TEXT(problem));
        *code = command_worse(*code, COMMAND_NO);
    }
}

static int ask_all(struct renewal_request *request)
{
    struct error e;
    int code = COMMAND_DONE;
    for (size_t i = 0; i < request->count; i++) {
        if (!renewal_request_ask(request, &request->hosts[i], &e)) {
            code = COMMAND_FAILED;
            (void)tell(&e);
        } else if (!request->waits) {
            fprintf(stderr, "%s: on its way\n", request->hosts[i].name.text);
        }
    }
    return code;
}

static int wait_for_all(struct renewal_request *request, int64_t wait_s, int code)
{
    struct error e;
    if (!renewal_request_wait(request, wait_s, tell_ended, &code, &e)) {
        return fail(&e);
    }
    for (size_t i = 0; i < request->count; i++) {
        const struct renewal_host *host = &request->hosts[i];
        if (host->asked && !host->ended) {
            fprintf(stderr,
                    "mtasts-host: %s: still under way; \"mtasts-host cert show\" has more\n",
                    host->name.text);
            code = COMMAND_FAILED;
        }
    }
    return code;
}

int cmd_cert_renew(const struct invocation *invocation)
{
    struct error e;
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    int64_t wait_s = invocation_duration_s(invocation, "wait", 0);
    CLEANUP(renewal_request_clear)
    struct renewal_request request = {
        .settings = settings, .asked_s = clock_wall_s(), .waits = wait_s != 0};
    if (!collect(&request, invocation, &e)) {
        return fail(&e);
    }
    if (request.count == 0) {
        fprintf(stderr, "No name fails.\n");
    }
    int code = ask_all(&request);
    return request.waits ? wait_for_all(&request, wait_s, code) : code;
}
