/* ACME Renewal Information (RFC 9773): when the CA would like a certificate to be renewed. */
#include <stdlib.h>

#include "acme/client.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum { QUESTIONS_MAX = 100 };

static void on_renewal_info(const struct ca_answer *answer, void *context)
{
    struct host *host = context;
    struct acme_renewal_info info;
    struct error e;
    struct host_event event = {.kind = HOST_EVENT_NO_WINDOW, .wait_s = answer->wait_s};
    host->acme->hosts.ari_questions--;
    if (answer->verdict == CA_GOOD && acme_renewal_info_parse(answer->http->body, &info, &e)) {
        event.kind = HOST_EVENT_WINDOW;
        event.start_s = info.start_s;
        event.until_s = info.end_s;
        event.problem = info.explanation;
    } else if (answer->verdict == CA_GOOD) {
        log_event(host->acme->log, LOG_LEVEL_WARNING, "acme.renewal.unusable",
                  LOG_TEXT("host", host->name), LOG_TEXT("problem", e.text));
    }
    host_step(host, &event);
}

enum host_ari host_find_ari(const struct host *host)
{
    const struct acme_directory *directory =
        host->issuer != NULL ? ca_directory(host->issuer) : NULL;
    if (host->issuer == NULL) {
        return HOST_ARI_NEVER;
    }
    if (host->acme->hosts.ari_questions >= QUESTIONS_MAX) {
        return HOST_ARI_BUSY;
    }
    if (directory == NULL) {
        return HOST_ARI_NOT_YET;
    }
    return directory->renewal_info != NULL ? HOST_ARI_NOW : HOST_ARI_NEVER;
}

void host_ask_ari(struct host *host)
{
    const char *base = ca_directory(host->issuer)->renewal_info;
    size_t n = strlen(base);
    bool slash = n != 0 && base[n - 1] == '/';
    CLEANUP_FREE char *url = memory_printf("%s%s%s", base, slash ? "" : "/", host->ari_id);
    /* Without an answer the lifetime decides: orders go on being placed. */
    struct ca_question question = {
        .endpoint = CA_URL, .url = url, .unsigned_get = true, .is_extra = true};
    host->acme->hosts.ari_questions++;
    ca_ask(host->issuer, &question, on_renewal_info, host);
}
