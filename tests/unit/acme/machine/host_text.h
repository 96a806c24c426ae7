/* What a host's machine did, as a text that a row can hold: "timed save place+60000 plan". */
#ifndef TEST_HOST_TEXT_H
#define TEST_HOST_TEXT_H

#include <stdio.h>
#include <string.h>

#include "acme/machine/host_machine.h"

static const char *const PLACE_NAMES[HOST_PLACES] = {"nowhere", "timed", "ready",
                                                     "looking", "found", "ordering"};

static const char *const HOST_EVENT_NAMES[HOST_EVENTS] = {
    "plan",   "rest",      "loaded",      "wanted",      "unwanted", "wake",   "asked",
    "forced", "look-soon", "clock",       "look",        "put-off",  "found",  "not-found",
    "old",    "order",     "order-ended", "certificate", "revoked",  "window", "no-window",
};

static inline void host_text(const struct host_state *host, const struct host_actions *actions,
                             int64_t now_ms, char *text, size_t size)
{
    static const char *const WORDS[] = {
        [HOST_ACTION_PLAN] = "plan",
        [HOST_ACTION_SAVE] = "save",
        [HOST_ACTION_NOTE_RENEWAL] = "note",
        [HOST_ACTION_SET_PROBLEM] = "problem",
        [HOST_ACTION_TELL_WINDOW] = "tell-window",
        [HOST_ACTION_ASK_ARI] = "ask-ari",
        [HOST_ACTION_PREPARE_ISSUER] = "prepare",
        [HOST_ACTION_DROP_LOOK] = "drop-look",
        [HOST_ACTION_LEAVE_ORDER] = "leave-order",
        [HOST_ACTION_TAKE_UP_ORDER] = "take-up-order",
        [HOST_ACTION_TAKE_CERTIFICATE] = "take-certificate",
        [HOST_ACTION_UNINSTALL] = "uninstall",
    };
    size_t n = (size_t)snprintf(text, size, "%s", PLACE_NAMES[host->place]);
    for (size_t i = 0; i < actions->count; i++) {
        const struct host_action *action = &actions->items[i];
        char word[64];
        (void)snprintf(word, sizeof(word), "%s",
                       WORDS[action->kind] != NULL ? WORDS[action->kind] : "");
        if (action->kind == HOST_ACTION_PLACE && action->at_ms != 0) {
            (void)snprintf(word, sizeof(word), "place+%lld", (long long)(action->at_ms - now_ms));
        } else if (action->kind == HOST_ACTION_PLACE) {
            (void)snprintf(word, sizeof(word), "place:%lld", (long long)host->turn);
        } else if (action->kind == HOST_ACTION_TELL_FAILURE) {
            (void)snprintf(word, sizeof(word), "tell:%s+%lld", action->type,
                           (long long)action->wait_s);
        }
        n += (size_t)snprintf(text + n, size - n, " %s", word);
    }
}

#endif
