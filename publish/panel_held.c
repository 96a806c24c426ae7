#include "panel_held.h"

#include "lib/base/memory.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t panel_held_until(struct served_history *history, const char *domain, int64_t now_s,
                         bool *ret_known)
{
    struct error e;
    int64_t until_s = 0;
    struct policy *none = NULL;
    const struct policy_terms terms = {.mode = POLICY_NONE};
    *ret_known = false;
    if (!policy_new(&terms, &none, &e)) {
        return 0;
    }
    CLEANUP(served_answer_clear) struct served_answer answer;
    const struct served_question question = {.subject = domain, .domain = domain, .policy = none};
    served_history_ask(history, &question, &answer);
    policy_free(none);
    *ret_known = answer.reached && (answer.known || answer.whole);
    if (answer.serving != NULL && answer.serving->mode != POLICY_NONE) {
        until_s = now_s + answer.serving->max_age_s;
    }
    for (size_t i = 0; i < answer.held_count; i++) {
        if (answer.held[i].policy->mode != POLICY_NONE) {
            until_s = later(until_s, answer.held[i].until_s);
        }
    }
    return until_s > now_s ? until_s : 0;
}
