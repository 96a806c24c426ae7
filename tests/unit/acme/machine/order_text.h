/* What an order's machine did, as a text that a row can hold: "to-look prepare wake+5000". */
#ifndef TEST_ORDER_TEXT_H
#define TEST_ORDER_TEXT_H

#include <stdio.h>
#include <string.h>

#include "acme/machine/order_machine.h"

static const char *const STAGE_NAMES[ORDER_STAGES] = {
    "new",        "placing",     "looking",  "authorizing", "responding", "telling",
    "finalizing", "downloading", "choosing", "to-look",     "to-verify",  "ended",
};

static const char *const EVENT_NAMES[ORDER_EVENTS] = {
    "begin",        "take-up",     "wake",       "unwanted",  "later",      "lost",
    "no-account",   "foreign",     "refused",    "senseless", "no-replace", "not-ready",
    "pending",      "ready",       "processing", "valid",     "invalid",    "unproved",
    "verified",     "proved",      "disproved",  "shown",     "not-shown",  "challenged",
    "chain-wanted", "chain-other", "chain-bad",
};

static inline void order_text(const struct order_state *order, const struct order_actions *actions,
                              int64_t now_ms, char *text, size_t size)
{
    static const char *const QUESTIONS[] = {"ask:new-order", "ask:order",    "ask:authorization",
                                            "ask:challenge", "ask:finalize", "ask:certificate",
                                            "ask:alternate"};
    static const char *const NEWS[] = {"tell:placed", "tell:without-replaces", "tell:again",
                                       "tell:moved", "tell:other-chain"};
    static const char *const OUTCOMES[] = {"end:done",  "end:failed",  "end:lost",
                                           "end:moved", "end:dropped", "end:let-lie"};
    static const char *const OTHERS[] = {
        [ORDER_ACTION_SHOW] = "show",          [ORDER_ACTION_HIDE] = "hide",
        [ORDER_ACTION_STORE] = "store",        [ORDER_ACTION_FORGET] = "forget",
        [ORDER_ACTION_INSTALL] = "install",    [ORDER_ACTION_DROP] = "drop",
        [ORDER_ACTION_PREPARE_CA] = "prepare",
    };
    size_t n = (size_t)snprintf(text, size, "%s", STAGE_NAMES[order->stage]);
    for (size_t i = 0; i < actions->count; i++) {
        const struct order_action *action = &actions->items[i];
        char wake[32];
        (void)snprintf(wake, sizeof(wake), "wake+%lld", (long long)(action->at_ms - now_ms));
        const char *word = action->kind == ORDER_ACTION_ASK       ? QUESTIONS[action->question]
                           : action->kind == ORDER_ACTION_TELL    ? NEWS[action->news]
                           : action->kind == ORDER_ACTION_END     ? OUTCOMES[action->outcome]
                           : action->kind == ORDER_ACTION_WAKE_AT ? wake
                                                                  : OTHERS[action->kind];
        n += (size_t)snprintf(text + n, size - n, " %s", word);
        if (action->kind == ORDER_ACTION_END && action->outcome == ORDER_FAILED) {
            n += (size_t)snprintf(text + n, size - n, "(%s)", action->type);
        }
    }
}

#endif
