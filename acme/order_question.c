/* What an order asks of its CA, and what the answers say to its machine. */
#include <stdlib.h>

#include "acme/client.h"
#include "acme/protocol/base64url.h"
#include "acme/protocol/csr.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "order_carrier.h"

/* --- What is asked --- */

/* Only to the CA and the account that issued it, and only where the CA knows of it. */
static void name_replaced(struct order *order, json_t *payload)
{
    struct acme_store_certificate old;
    struct error e;
    const char *account = ca_account_url(order->ca);
    order->named_replaced = false;
    if (!order->state.replaces || ca_directory(order->ca)->renewal_info == NULL ||
        !acme_store_find_certificate(order->acme->session.store, order->host->name, &old, &e)) {
        return;
    }
    order->named_replaced = old.ari_id != NULL && old.directory != NULL && old.account != NULL &&
                            account != NULL && strcmp(old.account, account) == 0 &&
                            strcmp(old.directory, ca_settings(order->ca)->url) == 0;
    if (order->named_replaced) {
        json_object_set_new(payload, "replaces", json_string(old.ari_id));
    }
    acme_store_certificate_clear(&old);
}

static json_t *make_new_order(struct order *order)
{
    const char *profile = ca_settings(order->ca)->profile;
    json_t *payload =
        json_pack("{s:[{s:s,s:s}]}", "identifiers", "type", "dns", "value", order->host->name);
    if (profile != NULL && acme_names_have(&ca_directory(order->ca)->profiles, profile)) {
        json_object_set_new(payload, "profile", json_string(profile));
    }
    name_replaced(order, payload);
    return payload;
}

/* An empty object says "look now" (RFC 8555 §7.5.1). */
static json_t *make_challenge(struct order *order)
{
    (void)order;
    return json_object();
}

static json_t *make_finalize(struct order *order)
{
    CLEANUP(buffer_clear) struct buffer csr = BUFFER((size_t)2 * CSR_MAX);
    base64url_add((struct bytes){order->row.csr, order->row.csr_octets}, &csr);
    return json_pack("{s:s}", "csr", csr.p);
}

/* The caller frees it. */
static char *find_url(struct order *order, enum order_question question)
{
    const char *const urls[ORDER_QUESTIONS] = {
        [ORDER_ASK_ORDER] = order->row.url,
        [ORDER_ASK_AUTHORIZATION] = order->authorization,
        [ORDER_ASK_CHALLENGE] = order->response.url,
        [ORDER_ASK_FINALIZE] = order->finalize,
        [ORDER_ASK_CERTIFICATE] = order->certificate,
    };
    return question == ORDER_ASK_ALTERNATE ? chain_choice_take_alternate(&order->chains)
                                           : memory_string_or_null(urls[question]);
}

/* --- What the answers say --- */

/* The caller frees it. */
static char *print_problem(const struct order *order, const struct acme_problem *problem)
{
    return memory_printf("%s: %s: %s%s%s", ca_settings(order->ca)->name, problem->type,
                         problem->detail, problem->instance[0] != '\0' ? " " : "",
                         problem->instance);
}

static const char *type_of(const struct acme_problem *problem)
{
    return problem->type[0] != '\0' ? problem->type : "unknown";
}

static void tell_senseless(struct order *order, const char *problem)
{
    order_step(order, &(struct order_event){.kind = ORDER_EVENT_SENSELESS,
                                            .type = "malformed",
                                            .problem = problem,
                                            .wait_s = -1});
}

/* Something that may have a problem with it, told with that. */
static void tell_with_problem(struct order *order, struct order_event event,
                              const struct acme_problem *problem)
{
    CLEANUP_FREE char *text = problem != NULL ? print_problem(order, problem) : NULL;
    event.type = problem != NULL ? type_of(problem) : NULL;
    event.problem = text;
    order_step(order, &event);
}

static void replace(char **place, char **text)
{
    free(*place);
    *place = TAKE(*text);
}

static void tell_order(struct order *order, struct acme_order *told, int64_t wait_s)
{
    static const enum order_event_kind KINDS[] = {
        [ACME_PENDING] = ORDER_EVENT_PENDING,       [ACME_READY] = ORDER_EVENT_READY,
        [ACME_PROCESSING] = ORDER_EVENT_PROCESSING, [ACME_VALID] = ORDER_EVENT_VALID,
        [ACME_INVALID] = ORDER_EVENT_INVALID,
    };
    replace(&order->finalize, &told->finalize);
    replace(&order->certificate, &told->certificate);
    if (told->authorizations.count != 0) {
        replace(&order->authorization, &told->authorizations.items[0]);
    }
    if (told->status == ACME_VALID && order->certificate == NULL) {
        tell_senseless(order, "the CA's order is valid and names no certificate");
        return;
    }
    bool has_problem = told->status == ACME_INVALID && told->problem.type[0] != '\0';
    tell_with_problem(order, (struct order_event){.kind = KINDS[told->status], .wait_s = wait_s},
                      has_problem ? &told->problem : NULL);
}

static void read_order(struct order *order, const struct ca_answer *answer)
{
    struct acme_order told;
    struct error e;
    if (!acme_order_parse(answer->http->body, &told, &e)) {
        tell_senseless(order, e.text);
        return;
    }
    tell_order(order, &told, answer->wait_s);
    acme_order_clear(&told);
}

static void read_new_order(struct order *order, const struct ca_answer *answer)
{
    if (answer->http->location == NULL) {
        tell_senseless(order, "the CA's newOrder names no order");
        return;
    }
    order->row.url = memory_string(answer->http->location);
    read_order(order, answer);
}

static const struct acme_problem *find_problem(const struct acme_authorization *told)
{
    for (size_t i = 0; i < told->challenge_count; i++) {
        if (told->challenges[i].problem.type[0] != '\0') {
            return &told->challenges[i].problem;
        }
    }
    return NULL;
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

static enum order_event_kind kind_of_authorization(const struct acme_authorization *told)
{
    if (told->status == ACME_VALID) {
        fault_point("acme.authorization.valid");
        return ORDER_EVENT_PROVED;
    }
    if (told->status != ACME_PENDING) {
        return ORDER_EVENT_DISPROVED;
    }
    return is_looked_at(told) ? ORDER_EVENT_VERIFIED : ORDER_EVENT_UNPROVED;
}

/* The challenge is chosen here, as the authorization is not kept. */
static void tell_authorization(struct order *order, const struct acme_authorization *told,
                               int64_t wait_s)
{
    struct order_event event = {.kind = kind_of_authorization(told), .wait_s = wait_s};
    bool begins =
        event.kind == ORDER_EVENT_UNPROVED && !order->state.is_answered && !order->state.is_invalid;
    if (begins && !challenge_response_choose(&order->response, order->acme->settings, told,
                                             ca_thumbprint(order->ca))) {
        event = (struct order_event){
            .kind = ORDER_EVENT_DISPROVED,
            .type = "noChallenge",
            .problem = "the CA offers none of the challenges of acme.challenges; add another kind "
                       "there",
            .wait_s = -1};
        order_step(order, &event);
        return;
    }
    tell_with_problem(order, event, find_problem(told));
}

static void read_authorization(struct order *order, const struct ca_answer *answer)
{
    struct acme_authorization told;
    struct error e;
    if (!acme_authorization_parse(answer->http->body, &told, &e)) {
        tell_senseless(order, e.text);
        return;
    }
    tell_authorization(order, &told, answer->wait_s);
    acme_authorization_clear(&told);
}

static void read_challenge(struct order *order, const struct ca_answer *answer)
{
    order_step(order,
               &(struct order_event){.kind = ORDER_EVENT_CHALLENGED, .wait_s = answer->wait_s});
}

static enum order_event_kind consider(struct order *order, const struct ca_answer *answer)
{
    const struct chain_wish wish = {
        .reader = order->acme->reader,
        .host = order->row.host,
        .key = order->row.key,
        .preferred = ca_settings(order->ca)->preferred_chain,
        .now_s = clock_wall_s(),
    };
    return chain_choice_consider(&order->chains, &wish, answer->http->body);
}

static void tell_chain(struct order *order, enum order_event_kind kind)
{
    CLEANUP_FREE char *problem = memory_string_or_null(order->chains.problem);
    order_step(order, &(struct order_event){.kind = kind,
                                            .type = "chain",
                                            .problem = problem,
                                            .wait_s = -1,
                                            .alternates = (unsigned)order->chains.alternate_count});
}

static void read_certificate(struct order *order, const struct ca_answer *answer)
{
    chain_choice_clear(&order->chains);
    enum order_event_kind kind = consider(order, answer);
    chain_choice_note_alternates(&order->chains, answer->http);
    tell_chain(order, kind);
}

static void read_alternate(struct order *order, const struct ca_answer *answer)
{
    tell_chain(order, consider(order, answer));
}

static const struct {
    enum ca_endpoint endpoint;
    json_t *(*make)(struct order *order); /* NULL: POST-as-GET */
    const char *fault;                    /* before it is sent … */
    const char *answer_fault;             /* … and where a good answer came */
    void (*read)(struct order *order, const struct ca_answer *answer);
} QUESTIONS[ORDER_QUESTIONS] = {
    [ORDER_ASK_NEW_ORDER] = {CA_NEW_ORDER, make_new_order, "acme.order.begun", "acme.order.placed",
                             read_new_order},
    [ORDER_ASK_ORDER] = {CA_URL, NULL, "acme.order.stored", NULL, read_order},
    [ORDER_ASK_AUTHORIZATION] = {CA_URL, NULL, "acme.order.stored", NULL, read_authorization},
    [ORDER_ASK_CHALLENGE] = {CA_URL, make_challenge, "acme.challenge.ready",
                             "acme.challenge.answered", read_challenge},
    [ORDER_ASK_FINALIZE] = {CA_URL, make_finalize, "acme.finalize.sent", "acme.finalize.answered",
                            read_order},
    [ORDER_ASK_CERTIFICATE] = {CA_URL, NULL, NULL, "acme.certificate.received", read_certificate},
    [ORDER_ASK_ALTERNATE] = {CA_URL, NULL, NULL, NULL, read_alternate},
};

/* --- Refusals --- */

static bool may_be_about_replaced(const struct order *order, long status,
                                  const struct acme_problem *problem)
{
    return order->question == ORDER_ASK_NEW_ORDER && order->named_replaced && status >= 400 &&
           status <= 499 && strcmp(problem->type, "rateLimited") != 0;
}

static enum order_event_kind kind_of_refusal(const struct order *order,
                                             const struct ca_answer *answer)
{
    long status = answer->http != NULL ? answer->http->status : 0;
    const char *account = ca_account_url(order->ca);
    bool others =
        account != NULL && order->row.account != NULL && strcmp(account, order->row.account) != 0;
    bool is_hidden = status == 404 || status == 410;
    if (strcmp(answer->problem.type, "accountDoesNotExist") == 0) {
        return ORDER_EVENT_NO_ACCOUNT;
    }
    if (others && (is_hidden || status == 401 || status == 403)) {
        return ORDER_EVENT_FOREIGN;
    }
    if (is_hidden) {
        return ORDER_EVENT_LOST;
    }
    if (order->question == ORDER_ASK_FINALIZE &&
        strcmp(answer->problem.type, "orderNotReady") == 0) {
        return ORDER_EVENT_NOT_READY;
    }
    return may_be_about_replaced(order, status, &answer->problem) ? ORDER_EVENT_NO_REPLACE
                                                                  : ORDER_EVENT_REFUSED;
}

static void tell_refusal(struct order *order, const struct ca_answer *answer)
{
    enum order_event_kind kind = kind_of_refusal(order, answer);
    if (order->question == ORDER_ASK_ALTERNATE) {
        tell_chain(order, kind); /* what counts is what was wrong with those that came */
    } else {
        tell_with_problem(order, (struct order_event){.kind = kind, .wait_s = answer->wait_s},
                          &answer->problem);
    }
}

static void on_answer(const struct ca_answer *answer, void *context)
{
    struct order *order = context;
    order->awaits = false;
    if (order->host == NULL) {
        order_free(order);
        return;
    }
    if (answer->verdict == CA_REFUSED) {
        tell_refusal(order, answer);
    } else if (answer->verdict == CA_LATER && order->question == ORDER_ASK_ALTERNATE) {
        tell_chain(order, ORDER_EVENT_LATER);
    } else if (answer->verdict == CA_LATER) {
        order_step(order, &(struct order_event){.kind = ORDER_EVENT_LATER, .wait_s = -1});
    } else {
        if (QUESTIONS[order->question].answer_fault != NULL) {
            fault_point(QUESTIONS[order->question].answer_fault);
        }
        QUESTIONS[order->question].read(order, answer);
    }
}

void order_ask(struct order *order, enum order_question question)
{
    CLEANUP_FREE char *url = find_url(order, question);
    struct ca_question asked = {
        .endpoint = QUESTIONS[question].endpoint,
        .url = url,
        .payload = QUESTIONS[question].make != NULL ? QUESTIONS[question].make(order) : NULL,
        .host = order->host->name,
        .fault = QUESTIONS[question].fault,
        .is_extra = question == ORDER_ASK_ALTERNATE,
    };
    order->question = question;
    order->awaits = true;
    ca_ask(order->ca, &asked, on_answer, order);
}
