#include "issued_hook.h"

#include <stdlib.h>

#include "acme/client.h"
#include "lib/base/memory.h"
#include "lib/base/program.h"

struct call {
    struct work work;
    char *program;
    int64_t timeout_ms;
    char *host;
    bool done;
    struct error error;
};

/* As certbot tells its deploy hooks, so that one serves both. */
static void run(struct work *work)
{
    struct call *call = (struct call *)work;
    CLEANUP_FREE char *domains = memory_printf("RENEWED_DOMAINS=%s", call->host);
    CLEANUP_FREE char *host = memory_printf("MTASTS_HOST=%s", call->host);
    const char *const arguments[] = {"deploy", call->host, NULL};
    const char *const variables[] = {"MTASTS_ACTION=deploy", host, domains, NULL};
    const struct program_call program = {call->program, arguments, variables, "acme.hook"};
    call->done = program_run(&program, call->timeout_ms, &call->error);
}

static void free_call(struct work *work)
{
    struct call *call = (struct call *)work;
    free(call->program);
    free(call->host);
    free(call);
}

static void tell(struct work *work)
{
    const struct call *call = (const struct call *)work;
    if (!call->done) {
        log_event(
            work->acme->log, LOG_LEVEL_WARNING, "acme.hook.failed", LOG_TEXT("host", call->host),
            LOG_TEXT("program", call->program), LOG_TEXT("problem", call->error.text),
            LOG_TEXT("advice", "the certificate is served all the same; mend the program, and "
                               "call it by hand for this host"));
    }
    free_call(work);
}

void issued_hook_run(struct acme *acme, const char *host)
{
    const struct settings *settings = acme->options.settings;
    if (settings->acme->hook == NULL) {
        return;
    }
    struct call *call = memory_zero(1, sizeof(*call));
    call->work = (struct work){.lane = WORK_SLOW, .run = run, .done = tell, .free = free_call};
    call->program = memory_string(settings->acme->hook);
    call->timeout_ms = settings->limits.hook_ms;
    call->host = memory_string(host);
    acme_work(acme, &call->work);
}
