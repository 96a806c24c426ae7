/* Questions to a CA and their answers. */
#include <assert.h>
#include <stdio.h>

#include "acme/protocol/jws.h"
#include "ca_carrier.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"

static void request_free(struct ca_request *request)
{
    free(request->url);
    free(request->payload);
    free(request->host);
    free(request);
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

void ca_drop_questions(struct ca *ca)
{
    while (ca->requests != NULL) {
        struct ca_request *request = ca->requests;
        ca->requests = request->next;
        request_free(request);
    }
}

void ca_put_off_questions(struct ca *ca)
{
    const struct ca_answer later = {.verdict = CA_LATER, .wait_s = -1};
    struct ca_request *queued = NULL;
    while ((queued = first_queued(ca)) != NULL) {
        finish(queued, &later);
    }
}

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
    request->url = memory_string_or_null(question->url);
    request->host = memory_string_or_null(question->host);
    request->unsigned_get = question->unsigned_get;
    request->is_extra = question->is_extra;
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

static enum ca_send find_send(const struct ca_request *request)
{
    const struct ca *ca = request->ca;
    const struct ca_outgoing question = {
        .is_early = request->first || request->unsigned_get,
        .needs_nonce = !request->unsigned_get,
        .nonces = ca->nonce_count,
        .in_flight = ca->in_flight,
    };
    return ca_machine_send(&ca->state, &question, clock_monotonic_ms());
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
    if (find_send(request) == CA_SEND_NOW) {
        send_request(request);
    } /* else it waits with the others */
    return true;
}

static bool is_name_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* NAME stands in TEXT as a whole name, not as a part of another. */
static bool names(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strcasestr(text, name); at != NULL; at = strcasestr(at + 1, name)) {
        bool begins = at == text || (!is_name_octet(at[-1]) && at[-1] != '.');
        bool ends = !is_name_octet(at[n]) && !(at[n] == '.' && is_name_octet(at[n + 1]));
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

/* A limit that names the host, or a domain that it belongs to, is that one's; any other is the
 * account's. */
static bool concerns_host(const struct ca_request *request, const struct acme_problem *problem)
{
    const char *name = request->host;
    while (name != NULL && strchr(name, '.') != NULL) {
        if (names(problem->detail, name)) {
            return true;
        }
        name = strchr(name, '.') + 1;
    }
    return false;
}

/* The words with which the CA's EVENT is told. The caller frees it; NULL: none. */
static char *explain(const struct ca_request *request, const struct transport_answer *http,
                     const struct acme_problem *problem, enum ca_event_kind event)
{
    if (event == CA_EVENT_REFUSES_US) {
        return memory_printf("%s: %s %s", problem->type, problem->detail, problem->instance);
    }
    return event == CA_EVENT_ANSWERED
               ? NULL
               : memory_printf("%s: status %ld %s", url_of(request), http->status, problem->detail);
}

static void tell_event(struct ca_request *request, const struct transport_answer *http,
                       const struct acme_problem *problem, enum ca_event_kind event)
{
    if (event == CA_EVENT_FORGOTTEN) {
        ca_forget_account(request->ca);
    } else if (event == CA_EVENT_ASKS_US_TO_WAIT || event == CA_EVENT_ASKS_ALL_TO_WAIT) {
        ca_tell_wait(request->ca, event, problem, ca_wait_of(http));
    } else {
        CLEANUP_FREE char *why = explain(request, http, problem, event);
        ca_tell(request->ca, event, why);
    }
}

static enum ca_verdict judge(struct ca_request *request, const struct transport_answer *http,
                             struct acme_problem *problem)
{
    if (http->status < 200 || http->status > 299) {
        acme_problem_parse(http->body, problem);
    }
    const struct ca_reply reply = {
        .status = http->status,
        .type = problem->type,
        .has_host = request->host != NULL,
        .names_host = concerns_host(request, problem),
        .is_extra = request->is_extra,
        .is_known = request->jwk == NULL,
    };
    const struct ca_judgement judgement = ca_judge(&reply);
    for (size_t i = 0; i < judgement.count; i++) {
        tell_event(request, http, problem, judgement.events[i]);
    }
    return judgement.verdict;
}

/* No answer came, WHY: the CA is out, but for questions that we can do without. */
static void finish_unanswered(struct ca_request *request, const char *why)
{
    struct ca_answer answer = {.verdict = CA_LATER, .wait_s = -1};
    if (request->is_extra) {
        answer.verdict = CA_REFUSED;
        (void)snprintf(answer.problem.detail, sizeof(answer.problem.detail), "%s", why);
    } else {
        ca_tell(request->ca, CA_EVENT_OUTAGE, why);
    }
    finish(request, &answer);
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
        finish_unanswered(request, why);
        return;
    }
    answer.verdict = judge(request, http, &answer.problem);
    if (answer.verdict == CA_REFUSED && try_again(request, &answer.problem)) {
        return;
    }
    answer.wait_s = ca_wait_of(http);
    finish(request, &answer);
}

/* URLs and texts were bounded when they were read, so no JWS outgrows JWS_MAX. */
static void send_request(struct ca_request *request)
{
    struct ca *ca = request->ca;
    const char *url = url_of(request);
    CLEANUP(buffer_clear) struct buffer body = BUFFER(JWS_MAX);
    struct transport_request http = {.url = url, .trust = ca->settings->trust};
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

void ca_flush(struct ca *ca)
{
    enum ca_send send = CA_SEND_NOW;
    struct ca_request *request = ca->requests;
    for (; request != NULL && send != CA_SEND_NOTHING; request = request->next) {
        if (request->under_way) {
            continue;
        }
        send = find_send(request);
        if (send == CA_SEND_PREPARE) {
            ca_prepare(ca);
        } else if (send == CA_SEND_NONCE) {
            ca_ask_nonce(ca);
        } else if (send == CA_SEND_NOW) {
            send_request(request);
        }
    }
}
