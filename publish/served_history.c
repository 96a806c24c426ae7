#include "served_history.h"

#include <string.h>

#include <jansson.h>

#include "policies/model/policy_text.h"
#include "server/control/control.h"

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

static void take_held(const json_t *list, struct served_answer *answer)
{
    size_t i = 0;
    const json_t *item = NULL;
    answer->listed = json_is_array(list);
    json_array_foreach(list, i, item)
    {
        struct policy *policy = parse_served(json_object_get(item, "text"));
        if (policy != NULL) {
            ARRAY_GROW(answer->held, answer->held_count, answer->held_capacity);
            answer->held[answer->held_count++] =
                (struct served_text){policy, json_integer_value(json_object_get(item, "until"))};
        }
    }
}

static void take_history(const json_t *reply, bool by_digest, struct served_answer *answer)
{
    struct policy *before = parse_served(json_object_get(reply, "text"));
    /* A memory that began after the replaced text was served says nothing of its senders. */
    answer->whole = json_is_true(json_object_get(reply, "known"));
    answer->known = answer->whole && (before != NULL || (!by_digest && answer->serving != NULL));
    int64_t until_s = json_integer_value(json_object_get(reply, "held_until"));
    answer->held_until_s = until_s > answer->held_until_s ? until_s : answer->held_until_s;
    answer->before = before;
    take_held(json_object_get(reply, "held"), answer);
}

static void forget_history(struct served_answer *answer)
{
    for (size_t i = 0; i < answer->held_count; i++) {
        policy_free(answer->held[i].policy);
    }
    answer->held_count = 0;
    if (answer->before != NULL) {
        policy_free(answer->before);
        answer->before = NULL;
    }
}

static void ask_history_of(struct served_history *history, const char *subject, const char *digest,
                           struct served_answer *answer)
{
    json_t *reply = ask(history, json_pack("{s:s, s:s, s:s*}", "command", "history", "domain",
                                           subject, "digest", digest));
    if (reply != NULL) {
        forget_history(answer);
        take_history(reply, digest != NULL, answer);
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
        answer->serving = served;
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
    forget_history(answer);
    free(answer->held);
    if (answer->serving != NULL) {
        policy_free(answer->serving);
    }
    *answer = (struct served_answer){0};
}
