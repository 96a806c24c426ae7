#include <assert.h>

#include "acme/jws.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"
#include "ca_parts.h"

enum {
    DIRECTORY_AGE_MS = 24 * 60 * 60 * 1000, /* CAs change it, seldom */
    OUTAGE_MIN_S = 5,
    OUTAGE_MAX_S = 600,
    OUT_AFTER = 2, /* outages in a row */
    NONCES_ASKED_MAX = 4,
};

/* --- Life --- */

bool ca_new(const struct ca_options *options, const struct settings_directory *settings,
            struct ca **ret_ca, struct error *e)
{
    struct ca *ca = memory_zero(1, sizeof(*ca));
    ca->options = *options;
    ca->settings = settings;
    if (!ca_load_account(ca, e)) {
        ca_free(ca);
        return false;
    }
    *ret_ca = ca;
    return true;
}

static void request_free(struct ca_request *request)
{
    free(request->url);
    free(request->payload);
    free(request->host);
    free(request);
}

void ca_free(struct ca *ca)
{
    if (ca == NULL) {
        return;
    }
    while (ca->requests != NULL) {
        struct ca_request *request = ca->requests;
        ca->requests = request->next;
        request_free(request);
    }
    for (size_t i = 0; i < ca->nonce_count; i++) {
        free(ca->nonces[i]);
    }
    acme_directory_clear(&ca->directory);
    acme_store_account_clear(&ca->account);
    account_key_free(ca->key);
    account_key_free(ca->next_key);
    free(ca->problem);
    free(ca->roll_failure);
    free(ca);
}

/* --- Whether it can be asked --- */

static bool is_held(const struct ca *ca, int64_t now_ms)
{
    return now_ms < ca->held_ms;
}

bool ca_is_ready(const struct ca *ca, int64_t now_ms)
{
    return ca->has_directory && ca->account.url != NULL && ca->next_key == NULL &&
           !is_held(ca, now_ms);
}

int64_t ca_held_until_ms(const struct ca *ca)
{
    return ca->held_ms;
}

bool ca_is_out(const struct ca *ca)
{
    return ca->outages >= OUT_AFTER || ca->account_failures != 0 || ca->is_unfit;
}

static void set_problem(struct ca *ca, const char *why)
{
    free(ca->problem);
    ca->problem = why != NULL ? memory_string(why) : NULL;
}

void ca_hold(struct ca *ca, int64_t wait_s, const char *why)
{
    int64_t until_ms = clock_monotonic_ms() + wait_s * 1000;
    if (until_ms > ca->held_ms) {
        ca->held_ms = until_ms;
    }
    set_problem(ca, why);
    CLEANUP_FREE char *problem = acme_problem_for_log(why);
    log_event(ca->options.log, LOG_LEVEL_WARNING, "acme.ca.held",
              LOG_TEXT("ca", ca->settings->name), LOG_NUMBER("seconds", wait_s),
              LOG_TEXT("problem", problem));
}

/* Takes REQUEST out of the list and tells its asker. */
static void finish(struct ca_request *request, const struct ca_answer *answer)
{
    struct ca_request **place = &request->ca->requests;
    while (*place != NULL && *place != request) {
        place = &(*place)->next;
    }
    assert(*place == request);
    *place = request->next;
    request->done(answer, request->context);
    request_free(request);
}

static struct ca_request *first_queued(const struct ca *ca)
{
    struct ca_request *request = ca->requests;
    while (request != NULL && request->under_way) {
        request = request->next;
    }
    return request;
}

void ca_note_outage(struct ca *ca, const char *why)
{
    int64_t wait_s = OUTAGE_MIN_S;
    for (unsigned i = 0; i < ca->outages && wait_s < OUTAGE_MAX_S; i++) {
        wait_s *= 2;
    }
    ca->outages++;
    ca_hold(ca, wait_s < OUTAGE_MAX_S ? wait_s : OUTAGE_MAX_S, why);
    /* Who waits may want to ask another CA. */
    const struct ca_answer later = {.verdict = CA_LATER, .wait_s = -1};
    struct ca_request *queued = NULL;
    while ((queued = first_queued(ca)) != NULL) {
        finish(queued, &later);
    }
}

void ca_note_answer(struct ca *ca)
{
    if (ca->outages != 0) {
        ca->outages = 0;
        set_problem(ca, NULL);
        log_event(ca->options.log, LOG_LEVEL_INFO, "acme.ca.answers",
                  LOG_TEXT("ca", ca->settings->name));
    }
}

/* --- New orders, so many at a time --- */

bool ca_take_order(struct ca *ca, int64_t now_s, int64_t *ret_wait_s)
{
    const struct settings_acme *settings = ca->options.settings;
    if (!token_bucket_take(&ca->bucket, settings->orders, settings->orders_window_s, now_s,
                           ret_wait_s)) {
        return false;
    }
    ca_save_account(ca);
    return true;
}

void ca_return_order(struct ca *ca)
{
    ca->bucket.tokens += 1;
    ca_save_account(ca);
}

double ca_orders_left(const struct ca *ca, int64_t now_s)
{
    const struct settings_acme *settings = ca->options.settings;
    return token_bucket_level(&ca->bucket, settings->orders, settings->orders_window_s, now_s);
}

/* --- Directory and nonces --- */

static const char *trust_of(const struct ca *ca)
{
    return ca->settings->trust;
}

/* Retry-After in seconds; -1: none that can be read. */
static int64_t wait_of(const struct transport_answer *http)
{
    int64_t wait_s = -1;
    bool told = http->retry_after != NULL &&
                retry_after_parse(bytes_of(http->retry_after), clock_wall_s(), &wait_s);
    return told ? wait_s : -1;
}

/* Whatever the CA wants in general, not of one host: 429 and 503 (RFC 8555 §6.6, RFC 9110 §15.6.4).
 * True: it is held now. */
static bool heed_wait(struct ca *ca, const struct transport_answer *http,
                      const struct acme_problem *problem)
{
    enum { UNTOLD_S = 60 };
    if (http->status != 429 && http->status != 503) {
        return false;
    }
    int64_t now_s = clock_wall_s();
    int64_t wait_s = wait_of(http);
    if (wait_s <= 0) {
        wait_s = wait_s == 0 ? 1 : UNTOLD_S;
    }
    /* The instance is where the user can do something about it: lift an account's pause, say. */
    CLEANUP_FREE char *why = memory_printf(
        "%s%s%s", problem->detail[0] != '\0' ? problem->detail : "the CA asks us to wait",
        problem->instance[0] != '\0' ? " " : "", problem->instance);
    ca_hold(ca, wait_s, why);
    *(http->status == 503 ? &ca->account.ca_wait_s : &ca->account.wait_s) = now_s + wait_s;
    ca_save_account(ca);
    return true;
}

/* True: an answer of the CA's that says what was asked for. */
static bool note_plain_answer(struct ca *ca, const struct transport_answer *http, const char *what)
{
    if (http->failure == NULL && (http->status == 200 || http->status == 204)) {
        ca_note_answer(ca);
        return true;
    }
    struct acme_problem problem = {.type = ""};
    CLEANUP_FREE char *why = NULL;
    if (http->failure != NULL) {
        why = memory_printf("%s: %s: %s", ca->settings->url, what, http->failure);
    } else {
        acme_problem_parse(http->body, &problem);
        why = memory_printf("%s: %s: status %ld %s", ca->settings->url, what, http->status,
                            problem.detail);
        if (heed_wait(ca, http, &problem)) {
            return false;
        }
    }
    ca_note_outage(ca, why);
    return false;
}

/* A CA without the profile that is required is no CA for us; it may get it. */
static void check_profile(struct ca *ca)
{
    enum { LOOK_AGAIN_S = 3600, NAMES_MAX = 512 };
    const struct settings_directory *settings = ca->settings;
    const struct acme_names *offered = &ca->directory.profiles;
    ca->is_unfit = settings->profile != NULL && settings->profile_required &&
                   !acme_names_have(offered, settings->profile);
    if (!ca->is_unfit) {
        return;
    }
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    for (size_t i = 0; i < offered->count; i++) {
        buffer_printf(&names, "%s%s", i != 0 ? ", " : "", offered->items[i]);
    }
    CLEANUP_FREE char *why =
        memory_printf("%s offers no profile \"%s\" (it offers: %s); correct `profile`, or remove "
                      "`profile_required`",
                      settings->url, settings->profile, names.n != 0 ? names.p : "none");
    ca->has_directory = false;
    ca_hold(ca, LOOK_AGAIN_S, why);
}

static void on_directory(const struct transport_answer *http, void *context)
{
    struct ca *ca = context;
    struct acme_directory directory;
    struct error e;
    ca->fetching = false;
    if (!note_plain_answer(ca, http, "directory")) {
        return;
    }
    if (!acme_directory_parse(http->body, &directory, &e)) {
        ca_note_outage(ca, e.text);
        return;
    }
    acme_directory_clear(&ca->directory);
    ca->directory = directory;
    ca->has_directory = true;
    ca->fetched_ms = clock_monotonic_ms();
    check_profile(ca);
}

static void fetch_directory(struct ca *ca)
{
    const struct transport_request request = {.url = ca->settings->url, .trust = trust_of(ca)};
    ca->fetching = true;
    transport_send(ca->options.transport, &request, on_directory, ca);
}

void ca_prepare(struct ca *ca, int64_t now_ms)
{
    bool old = ca->has_directory && now_ms - ca->fetched_ms > DIRECTORY_AGE_MS;
    if (is_held(ca, now_ms) || ca->fetching) {
        return;
    }
    if (!ca->has_directory || old) {
        fetch_directory(ca);
    } else if (ca->account.url == NULL || ca->next_key != NULL) {
        ca_register(ca);
    }
}

/* base64url, as RFC 8555 §6.5.1 has it. */
static bool is_nonce(const char *text)
{
    enum { NONCE_MAX = 512 };
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = strspn(text, ALPHABET);
    return n != 0 && n <= NONCE_MAX && text[n] == '\0';
}

void ca_keep_nonce(struct ca *ca, const char *nonce)
{
    if (nonce == NULL || !is_nonce(nonce)) {
        return;
    }
    if (ca->nonce_count == CA_NONCES_MAX) { /* the oldest has the least chance */
        free(ca->nonces[0]);
        memmove(ca->nonces, ca->nonces + 1, (CA_NONCES_MAX - 1) * sizeof(ca->nonces[0]));
        ca->nonce_count--;
    }
    ca->nonces[ca->nonce_count++] = memory_string(nonce);
}

static void on_nonce(const struct transport_answer *http, void *context)
{
    struct ca *ca = context;
    ca->nonces_asked--;
    if (!note_plain_answer(ca, http, "newNonce")) {
        return;
    }
    if (http->nonce == NULL) {
        ca_note_outage(ca, "the CA's newNonce gives no nonce");
        return;
    }
    ca_keep_nonce(ca, http->nonce);
}

static void ask_nonce(struct ca *ca)
{
    const struct transport_request request = {
        .url = ca->directory.new_nonce, .trust = trust_of(ca), .head = true};
    if (ca->nonces_asked < NONCES_ASKED_MAX) {
        ca->nonces_asked++;
        transport_send(ca->options.transport, &request, on_nonce, ca);
    }
}

/* --- Questions --- */

void ca_queue(struct ca *ca, struct ca_request *request)
{
    struct ca_request **place = &ca->requests;
    while (*place != NULL && (!request->first || (*place)->under_way)) {
        place = &(*place)->next;
    }
    request->ca = ca;
    request->next = *place;
    *place = request;
}

void ca_ask(struct ca *ca, struct ca_question *question, ca_done done, void *context)
{
    struct ca_request *request = memory_zero(1, sizeof(*request));
    request->endpoint = question->endpoint;
    request->url = question->url != NULL ? memory_string(question->url) : NULL;
    request->host = question->host != NULL ? memory_string(question->host) : NULL;
    request->unsigned_get = question->unsigned_get;
    request->fault = question->fault;
    request->done = done;
    request->context = context;
    if (question->payload != NULL) {
        request->payload = json_dumps(question->payload, JSON_COMPACT);
        json_decref(TAKE(question->payload));
    } else {
        request->payload = memory_string("");
    }
    ca_queue(ca, request);
}

size_t ca_questions(const struct ca *ca)
{
    size_t count = 0;
    for (const struct ca_request *request = ca->requests; request != NULL;
         request = request->next) {
        count++;
    }
    return count;
}

static const char *url_of(const struct ca_request *request)
{
    const struct acme_directory *directory = &request->ca->directory;
    switch (request->endpoint) {
    case CA_NEW_ACCOUNT:
        return directory->new_account;
    case CA_NEW_ORDER:
        return directory->new_order;
    case CA_REVOKE_CERT:
        return directory->revoke_cert;
    case CA_KEY_CHANGE:
        return directory->key_change;
    default:
        return request->url;
    }
}

static void send_request(struct ca_request *request);

/* "A nonce that the CA does not take" says nothing about the question (RFC 8555 §6.5): the same
 * again, with the nonce that came along. */
static bool try_again(struct ca_request *request, const struct acme_problem *problem)
{
    if (strcmp(problem->type, "badNonce") != 0 || ++request->nonce_tries > CA_NONCE_TRIES_MAX) {
        return false;
    }
    request->under_way = false;
    if (request->ca->nonce_count != 0) {
        send_request(request);
    } /* else it waits for a nonce to be fetched */
    return true;
}

/* A limit that speaks of the host is the host's; any other is the account's. */
static bool concerns_host(const struct ca_request *request, const struct acme_problem *problem)
{
    const char *host = request->host;
    if (host == NULL || problem->detail[0] == '\0') {
        return false;
    }
    const char *domain = strchr(host, '.');
    return strstr(problem->detail, host) != NULL ||
           (domain != NULL && strstr(problem->detail, domain + 1) != NULL);
}

static enum ca_verdict judge(struct ca_request *request, const struct transport_answer *http,
                             struct acme_problem *problem)
{
    struct ca *ca = request->ca;
    if (http->status >= 200 && http->status <= 299) {
        ca_note_answer(ca);
        return CA_GOOD;
    }
    acme_problem_parse(http->body, problem);
    bool limits_host = http->status == 429 && concerns_host(request, problem);
    if (!limits_host && heed_wait(ca, http, problem)) {
        return CA_LATER;
    }
    if (http->status >= 500) {
        CLEANUP_FREE char *why =
            memory_printf("%s: status %ld %s", url_of(request), http->status, problem->detail);
        ca_note_outage(ca, why);
        return CA_LATER;
    }
    ca_note_answer(ca);
    if (strcmp(problem->type, "accountDoesNotExist") == 0 && request->jwk == NULL) {
        ca_forget_account(ca);
    }
    return CA_REFUSED;
}

static void on_answer(const struct transport_answer *http, void *context)
{
    struct ca_request *request = context;
    struct ca *ca = request->ca;
    struct ca_answer answer = {.http = http, .wait_s = -1};
    ca->in_flight--;
    ca_keep_nonce(ca, http->nonce);
    if (http->failure != NULL) {
        CLEANUP_FREE char *why = memory_printf("%s: %s", url_of(request), http->failure);
        answer.http = NULL;
        answer.verdict = CA_LATER;
        ca_note_outage(ca, why);
        finish(request, &answer);
        return;
    }
    answer.verdict = judge(request, http, &answer.problem);
    if (answer.verdict == CA_REFUSED && try_again(request, &answer.problem)) {
        return;
    }
    answer.wait_s = wait_of(http);
    finish(request, &answer);
}

/* URLs and texts were bounded when they were read, so no JWS outgrows JWS_MAX. */
static void send_request(struct ca_request *request)
{
    struct ca *ca = request->ca;
    const char *url = url_of(request);
    CLEANUP(buffer_clear) struct buffer body = BUFFER(JWS_MAX);
    struct transport_request http = {.url = url, .trust = trust_of(ca)};
    if (!request->unsigned_get) {
        CLEANUP_FREE char *nonce = ca->nonces[--ca->nonce_count];
        const struct jws_header header = {
            .url = url,
            .nonce = nonce,
            .kid = request->jwk != NULL ? NULL : ca->account.url,
        };
        jws_sign(request->jwk != NULL ? request->jwk : ca->key, &header, bytes_of(request->payload),
                 &body);
        assert(!body.overflow);
        http.body = buffer_bytes(&body);
    }
    if (request->fault != NULL) {
        fault_point(request->fault);
    }
    request->under_way = true;
    ca->in_flight++;
    transport_send(ca->options.transport, &http, on_answer, request);
}

static bool may_send(const struct ca *ca, const struct ca_request *request)
{
    if (request->first || request->unsigned_get) {
        return ca->has_directory;
    }
    return ca->has_directory && ca->account.url != NULL && ca->next_key == NULL;
}

void ca_flush(struct ca *ca, int64_t now_ms)
{
    if (is_held(ca, now_ms)) {
        return;
    }
    for (struct ca_request *request = ca->requests; request != NULL; request = request->next) {
        if (ca->in_flight >= CA_IN_FLIGHT_MAX) {
            return;
        }
        if (request->under_way || !may_send(ca, request)) {
            continue;
        }
        if (!request->unsigned_get && ca->nonce_count == 0) {
            ask_nonce(ca);
            continue;
        }
        send_request(request);
    }
}

/* --- What others may know --- */

const struct settings_directory *ca_settings(const struct ca *ca)
{
    return ca->settings;
}

const struct acme_directory *ca_directory(const struct ca *ca)
{
    return ca->has_directory ? &ca->directory : NULL;
}

const char *ca_account_url(const struct ca *ca)
{
    return ca->account.url;
}

const char *ca_thumbprint(const struct ca *ca)
{
    return account_key_thumbprint(ca->key);
}

const char *ca_problem(const struct ca *ca)
{
    return ca->problem;
}
