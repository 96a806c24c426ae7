#include "challenge_response.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "acme/client.h"
#include "acme/protocol/alpn_certificate.h"
#include "acme/protocol/base64url.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/dns/hook.h"

void challenge_response_clear(struct challenge_response *response)
{
    free(TAKE(response->url));
    free(TAKE(response->key_authorization));
}

bool challenge_response_choose(struct challenge_response *response,
                               const struct settings_acme *settings,
                               const struct acme_authorization *told, const char *thumbprint)
{
    const struct acme_challenge *challenge =
        acme_authorization_find(told, settings_challenge_name(response->kind));
    for (size_t i = 0; challenge == NULL && i < settings->challenge_count; i++) {
        response->kind = settings->challenges[i];
        challenge = acme_authorization_find(told, settings_challenge_name(response->kind));
    }
    if (challenge == NULL || challenge->token == NULL) {
        return false;
    }
    challenge_response_clear(response);
    response->url = memory_string(challenge->url);
    response->key_authorization = memory_printf("%s.%s", challenge->token, thumbprint);
    return true;
}

/* --- dns-01 (RFC 8555 §8.4), by the operator's program --- */

struct hook {
    struct work work;
    enum dns_hook_action action;
    char *program;
    int64_t timeout_ms;
    char *fqdn;
    char *value;
    challenge_shown shown; /* NULL with CLEANUP */
    void *context;
    bool done;
    struct error error;
};

static void hook_run(struct work *work)
{
    struct hook *hook = (struct hook *)work;
    hook->done = dns_hook_run(hook->program, hook->action, hook->fqdn, hook->value,
                              hook->timeout_ms, &hook->error);
}

static void hook_free(struct work *work)
{
    struct hook *hook = (struct hook *)work;
    free(hook->program);
    free(hook->fqdn);
    free(hook->value);
    free(hook);
}

static void hook_done(struct work *work)
{
    const struct hook *hook = (const struct hook *)work;
    if (hook->shown != NULL) {
        hook->shown("dns-hook", hook->done ? NULL : hook->error.text, hook->context);
    } else if (!hook->done) {
        log_event(work->acme->log, LOG_LEVEL_WARNING, "acme.hook.cleanup_failed",
                  LOG_TEXT("name", hook->fqdn), LOG_TEXT("problem", hook->error.text));
    }
    hook_free(work);
}

/* The caller frees it. */
static char *print_record(const char *key_authorization)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buffer value = BUFFER(sizeof(digest) * 2);
    if (EVP_Digest(key_authorization, strlen(key_authorization), digest, &n, EVP_sha256(), NULL) !=
        1) {
        abort(); /* out of memory */
    }
    base64url_add((struct bytes){(char *)digest, n}, &value);
    return buffer_take(&value);
}

static void run_hook(const struct challenge_response *response, struct acme *acme, const char *host,
                     enum dns_hook_action action, challenge_shown shown, void *context)
{
    struct hook *hook = memory_zero(1, sizeof(*hook));
    hook->work = (struct work){.run = hook_run, .done = hook_done, .free = hook_free};
    hook->action = action;
    hook->program = memory_string(acme->options.settings->dns_hook);
    hook->timeout_ms = acme->options.settings->limits.hook_ms;
    hook->fqdn = memory_printf("_acme-challenge.%s", host);
    hook->value = print_record(response->key_authorization);
    hook->shown = shown;
    hook->context = context;
    acme_work(acme, &hook->work);
}

/* --- Up and down --- */

static void post(struct challenge_response *response, struct acme *acme, const char *host,
                 const struct ca *ca, struct certificate_pair *pair)
{
    challenge_board_post(acme->options.board, host, ca_thumbprint(ca), pair);
    response->is_posted = true;
}

static bool post_certificate(struct challenge_response *response, struct acme *acme,
                             const char *host, const struct ca *ca, struct error *e)
{
    struct certificate_pair *pair = NULL;
    if (!alpn_certificate_make(host, bytes_of(response->key_authorization), clock_wall_s(), &pair,
                               e)) {
        return false;
    }
    post(response, acme, host, ca, pair);
    certificate_pair_unref(pair);
    return true;
}

void challenge_response_show(struct challenge_response *response, struct acme *acme,
                             const char *host, const struct ca *ca, challenge_shown shown,
                             void *context)
{
    struct error e;
    if (response->kind == CHALLENGE_DNS_01) {
        response->is_presented = true;
        run_hook(response, acme, host, DNS_HOOK_PRESENT, shown, context);
        return;
    }
    bool is_up =
        response->kind != CHALLENGE_TLS_ALPN_01 || post_certificate(response, acme, host, ca, &e);
    /* For http-01 the board needs a notice only where it is not the first CA that asks. */
    if (response->kind == CHALLENGE_HTTP_01 && ca != acme->cas.items[0]) {
        post(response, acme, host, ca, NULL);
    }
    shown("key", is_up ? NULL : e.text, context);
}

void challenge_response_withdraw(struct challenge_response *response, struct acme *acme,
                                 const char *host)
{
    if (response->is_posted) {
        challenge_board_withdraw(acme->options.board, host);
        response->is_posted = false;
    }
}

void challenge_response_hide(struct challenge_response *response, struct acme *acme,
                             const char *host)
{
    challenge_response_withdraw(response, acme, host);
    if (response->is_presented) {
        run_hook(response, acme, host, DNS_HOOK_CLEANUP, NULL, NULL);
        response->is_presented = false;
    }
}
