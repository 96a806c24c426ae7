/* The proof that a host is ours (RFC 8555 §7.5 and §8): the challenge is chosen, its response put
 * up, the CA told to look, its verdict waited for. */
#include <openssl/evp.h>

#include "acme/protocol/alpn_certificate.h"
#include "acme/protocol/base64url.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "lib/dns/hook.h"
#include "order_parts.h"

/* --- dns-01 (RFC 8555 §8.4), by the operator's program --- */

struct hook {
    struct work work;
    struct order *order; /* NULL with CLEANUP */
    enum dns_hook_action action;
    char *program;
    int64_t timeout_ms;
    char *fqdn;
    char *value;
    bool done;
    struct error error;
};

static void tell_ca(struct order *order);

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

static void presented(const struct hook *hook)
{
    const struct ca_answer nothing = {.verdict = CA_GOOD, .wait_s = -1};
    struct order *order = order_answered(&nothing, hook->order, false);
    if (order != NULL && hook->done) {
        tell_ca(order);
    } else if (order != NULL) {
        order_fail(order, "dns-hook", hook->error.text, -1);
    }
}

static void hook_done(struct work *work)
{
    const struct hook *hook = (const struct hook *)work;
    if (hook->order != NULL) {
        presented(hook);
    } else if (!hook->done) {
        log_event(work->acme->log, LOG_LEVEL_WARNING, "acme.hook.cleanup_failed",
                  LOG_TEXT("name", hook->fqdn), LOG_TEXT("problem", hook->error.text));
    }
    hook_free(work);
}

static void run_hook(const struct order *order, enum dns_hook_action action, struct order *waiting)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    CLEANUP(buffer_clear) struct buffer value = BUFFER(sizeof(digest) * 2);
    if (EVP_Digest(order->key_authorization, strlen(order->key_authorization), digest, &n,
                   EVP_sha256(), NULL) != 1) {
        abort(); /* out of memory */
    }
    base64url_add((struct bytes){(char *)digest, n}, &value);
    struct hook *hook = memory_zero(1, sizeof(*hook));
    hook->work = (struct work){.run = hook_run, .done = hook_done, .free = hook_free};
    hook->order = waiting;
    hook->action = action;
    hook->program = memory_string(order->acme->options.settings->dns_hook);
    hook->timeout_ms = order->acme->options.settings->limits.hook_ms;
    hook->fqdn = memory_printf("_acme-challenge.%s", order->row.host);
    hook->value = buffer_take(&value);
    acme_work(order->acme, &hook->work);
}

/* --- The response --- */

/* For http-01 the board needs a notice only where it is not the first CA that asks. */
static void post_http(struct order *order)
{
    if (order->ca != order->acme->cas[0]) {
        challenge_board_post(order->acme->options.board, order->row.host, ca_thumbprint(order->ca),
                             NULL);
        order->is_posted = true;
    }
    tell_ca(order);
}

static void post_certificate(struct order *order)
{
    struct certificate_pair *pair = NULL;
    struct error e;
    if (!alpn_certificate_make(order->row.host, bytes_of(order->key_authorization), clock_wall_s(),
                               &pair, &e)) {
        order_fail(order, "key", e.text, -1);
        return;
    }
    challenge_board_post(order->acme->options.board, order->row.host, ca_thumbprint(order->ca),
                         pair);
    certificate_pair_unref(pair);
    order->is_posted = true;
    tell_ca(order);
}

static void present(struct order *order)
{
    order->is_presented = true;
    order->awaits = true;
    run_hook(order, DNS_HOOK_PRESENT, order);
}

static void respond(struct order *order)
{
    static void (*const RESPONSES[CHALLENGE_KINDS])(struct order *) = {
        [CHALLENGE_HTTP_01] = post_http,
        [CHALLENGE_TLS_ALPN_01] = post_certificate,
        [CHALLENGE_DNS_01] = present,
    };
    RESPONSES[order->kind](order);
}

void order_withdraw(struct order *order)
{
    if (order->is_posted) {
        challenge_board_withdraw(order->acme->options.board, order->row.host);
        order->is_posted = false;
    }
    if (order->is_presented) {
        run_hook(order, DNS_HOOK_CLEANUP, NULL);
        order->is_presented = false;
    }
}

static void on_challenge(const struct ca_answer *answer, void *context)
{
    struct order *order = order_answered(answer, context, false);
    if (order != NULL) {
        fault_point("acme.challenge.answered");
        order->is_answered = true;
        order->polls = 0;
        order_poll(order, answer->wait_s, order_authorize);
    }
}

/* An empty object says "look now" (RFC 8555 §7.5.1). */
static void tell_ca(struct order *order)
{
    order_ask(order, order->challenge, json_object(), "acme.challenge.ready", on_challenge);
}

/* --- The authorization --- */

/* The challenge of the kind that was decided on, else of any that is configured. */
static const struct acme_challenge *choose(struct order *order,
                                           const struct acme_authorization *told)
{
    const struct settings_acme *settings = order->acme->settings;
    const struct acme_challenge *challenge =
        acme_authorization_find(told, settings_challenge_name(order->kind));
    for (size_t i = 0; challenge == NULL && i < settings->challenge_count; i++) {
        order->kind = settings->challenges[i];
        challenge = acme_authorization_find(told, settings_challenge_name(order->kind));
    }
    return challenge != NULL && challenge->token != NULL ? challenge : NULL;
}

/* One that the CA is looking at already, since before we stopped. */
static bool is_looked_at(const struct acme_authorization *told)
{
    for (size_t i = 0; i < told->challenge_count; i++) {
        if (told->challenges[i].status == ACME_PROCESSING) {
            return true;
        }
    }
    return false;
}

static void begin_challenge(struct order *order, const struct acme_authorization *told)
{
    const struct acme_challenge *challenge = choose(order, told);
    if (challenge == NULL) {
        order_fail(
            order, "noChallenge",
            "the CA offers none of the challenges of acme.challenges; add another kind there", -1);
        return;
    }
    free(order->challenge);
    free(order->key_authorization);
    order->challenge = memory_string(challenge->url);
    order->key_authorization = memory_printf("%s.%s", challenge->token, ca_thumbprint(order->ca));
    respond(order);
}

static void fail_authorization(struct order *order, const struct acme_authorization *told)
{
    for (size_t i = 0; i < told->challenge_count; i++) {
        if (told->challenges[i].problem.type[0] != '\0') {
            order_fail_by(order, &told->challenges[i].problem, -1);
            return;
        }
    }
    order_fail(order, "invalid", "the CA says that the order is invalid, and not why", -1);
}

static void proceed(struct order *order, const struct acme_authorization *told, int64_t wait_s)
{
    if (order->is_invalid) {
        fail_authorization(order, told);
        return;
    }
    switch (told->status) {
    case ACME_VALID:
        fault_point("acme.authorization.valid");
        if (order->is_answered) {
            order->polls = 0;
            order_finalize(order);
        } else {
            order_poll(order, -1, order_look);
        }
        break;
    case ACME_PENDING:
        if (order->is_answered || is_looked_at(told)) {
            order_poll(order, wait_s, order_authorize);
        } else {
            begin_challenge(order, told);
        }
        break;
    default:
        fail_authorization(order, told);
        break;
    }
}

static void on_authorization(const struct ca_answer *answer, void *context)
{
    struct acme_authorization told;
    struct error e;
    struct order *order = order_answered(answer, context, false);
    if (order == NULL) {
        return;
    }
    if (!acme_authorization_parse(answer->http->body, &told, &e)) {
        order_make_no_sense(order, "malformed", e.text);
        return;
    }
    proceed(order, &told, answer->wait_s);
    acme_authorization_clear(&told);
}

void order_authorize(struct order *order)
{
    order_ask(order, order->authorization, NULL, "acme.order.stored", on_authorization);
}
