/* ACME Renewal Information (RFC 9773): when the CA would like a certificate to be renewed. */
#include <stdlib.h>

#include "acme_parts.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum { ASK_AGAIN_S = 6 * 3600, QUESTIONS_MAX = 100 };

static bool is_in_window(const struct host *host)
{
    return host->renew_s >= host->ari_start_s && host->renew_s <= host->ari_end_s;
}

/* The moment that was chosen stays while the window does (RFC 9773 §4.2). */
static void take_window(struct host *host, const struct acme_renewal_info *info)
{
    bool same = host->ari_start_s == info->start_s && host->ari_end_s == info->end_s;
    if (same && is_in_window(host)) {
        return;
    }
    host->ari_start_s = info->start_s;
    host->ari_end_s = info->end_s;
    host->renew_s = renewal_in_window(info->start_s, info->end_s, arc4random());
    log_event(host->acme->log, LOG_LEVEL_INFO, "acme.renewal.window", LOG_TEXT("host", host->name),
              LOG_NUMBER("start", info->start_s), LOG_NUMBER("end", info->end_s),
              LOG_NUMBER("chosen", host->renew_s), LOG_TEXT("explanation", info->explanation));
}

static void on_renewal_info(const struct ca_answer *answer, void *context)
{
    struct host *host = context;
    struct acme_renewal_info info;
    struct error e;
    host->asks_ari = false;
    host->acme->ari_questions--;
    if (host->ari_asked != host->certificate_id) {
        host_plan(host); /* it has another certificate by now */
        return;
    }
    int64_t wait_s = answer->wait_s >= 0 ? answer->wait_s : ASK_AGAIN_S;
    if (answer->verdict == CA_GOOD) {
        if (acme_renewal_info_parse(answer->http->body, &info, &e)) {
            take_window(host, &info);
        } else {
            log_event(host->acme->log, LOG_LEVEL_WARNING, "acme.renewal.unusable",
                      LOG_TEXT("host", host->name), LOG_TEXT("problem", e.text));
        }
    } /* else what is known stays; without a window the lifetime decides */
    host->ari_next_s = clock_wall_s() + retry_after_clamp_ari(wait_s);
    host_note_renewal(host);
    host_plan(host);
}

void host_ask_ari(struct host *host)
{
    if (host->issuer == NULL) {
        host->ari_next_s = 0;
        return;
    }
    const struct acme_directory *directory = ca_directory(host->issuer);
    if (host->acme->ari_questions >= QUESTIONS_MAX) { /* orders go before */
        host->ari_next_s = clock_wall_s() + QUESTIONS_MAX + arc4random_uniform(QUESTIONS_MAX);
        return;
    }
    if (directory == NULL) { /* not fetched yet */
        ca_prepare(host->issuer, clock_monotonic_ms());
        host->ari_next_s = clock_wall_s() + 60;
        return;
    }
    if (directory->renewal_info == NULL) {
        host->ari_next_s = 0;
        return;
    }
    size_t n = strlen(directory->renewal_info);
    bool slash = n != 0 && directory->renewal_info[n - 1] == '/';
    CLEANUP_FREE char *url =
        memory_printf("%s%s%s", directory->renewal_info, slash ? "" : "/", host->ari_id);
    /* Without an answer the lifetime decides: orders go on being placed. */
    struct ca_question question = {
        .endpoint = CA_URL, .url = url, .unsigned_get = true, .is_extra = true};
    host->asks_ari = true;
    host->ari_asked = host->certificate_id;
    host->acme->ari_questions++;
    ca_ask(host->issuer, &question, on_renewal_info, host);
}
