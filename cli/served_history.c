#include "served_history.h"

#include <string.h>

#include <jansson.h>

#include "policies/policy_text.h"
#include "server/control.h"

enum { ASK_TIMEOUT_MS = 5000 };

/* Sends REQUEST (taken); NULL: no answer. */
static json_t *ask(struct served_history *history, json_t *request)
{
    struct error e;
    json_t *reply = NULL;
    if (history->why == NULL &&
        !control_ask(history->control, request, ASK_TIMEOUT_MS, &reply, &e)) {
        history->why = memory_string(e.text);
        reply = NULL;
    }
    json_decref(request);
    return reply;
}

void served_history_clear(struct served_history *history)
{
    free(history->why);
    history->why = NULL;
}

static struct policy *parse_served(const json_t *text)
{
    if (!json_is_string(text)) {
        return NULL;
    }
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    struct bytes octets = {json_string_value(text), json_string_length(text)};
    return policy_text_parse(octets, "served policy", &policy, &d) ? policy : NULL;
}

static void take_history(const json_t *reply, struct served_answer *answer)
{
    answer->known = json_is_true(json_object_get(reply, "known"));
    answer->held_until_s = json_integer_value(json_object_get(reply, "held_until"));
    if (answer->before == NULL) {
        answer->before = parse_served(json_object_get(reply, "text"));
    }
}

static void ask_history_of(struct served_history *history, const char *subject, const char *digest,
                           struct served_answer *answer)
{
    json_t *reply = ask(history, json_pack("{s:s, s:s, s:s*}", "command", "history", "domain",
                                           subject, "digest", digest));
    if (reply != NULL) {
        take_history(reply, answer);
        json_decref(reply);
    }
}

static void ask_history(struct served_history *history, const struct served_question *question,
                        struct served_answer *answer)
{
    ask_history_of(history, question->subject, question->digest, answer);
    if (!answer->known && strcmp(question->subject, question->domain) != 0) {
        ask_history_of(history, question->domain, question->digest, answer);
    }
}

/* Whether the server has the new text already; what it serves instead is the text before. */
static void ask_serving(struct served_history *history, const struct served_question *question,
                        struct served_answer *answer)
{
    json_t *reply =
        ask(history, json_pack("{s:s, s:s}", "command", "serving", "domain", question->domain));
    if (reply == NULL) {
        return;
    }
    answer->reached = true;
    struct policy *served = parse_served(json_object_get(reply, "body"));
    json_decref(reply);
    if (served == NULL) {
        return;
    }
    if (policy_equal(served, question->policy)) {
        answer->current = true;
        policy_free(served);
    } else {
        answer->before = served;
    }
}

void served_history_ask(struct served_history *history, const struct served_question *question,
                        struct served_answer *ret_answer)
{
    *ret_answer = (struct served_answer){0};
    if (history->why != NULL || history->asked == SERVED_HISTORY_ASKED_MAX) {
        return;
    }
    history->asked++;
    ask_serving(history, question, ret_answer);
    ask_history(history, question, ret_answer);
    if (ret_answer->before != NULL && policy_equal(ret_answer->before, question->policy)) {
        policy_free(ret_answer->before);
        ret_answer->before = NULL;
    }
}

void served_answer_clear(struct served_answer *answer)
{
    if (answer->before != NULL) {
        policy_free(answer->before);
    }
    *answer = (struct served_answer){0};
}
