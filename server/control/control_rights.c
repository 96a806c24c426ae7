#include "control_rights.h"

#include <string.h>

#include "lib/base/memory.h"

static bool is_in(const struct control_peer *peer, gid_t group)
{
    bool found = peer->gid == group;
    for (size_t i = 0; !found && i < peer->group_count; i++) {
        found = peer->groups[i] == group;
    }
    return found;
}

enum control_rank control_rank_of(const struct control_peer *peer, uid_t user, gid_t group,
                                  const gid_t *panel_group)
{
    if (peer->uid == 0 || peer->uid == user) {
        return CONTROL_OWNER;
    }
    if (panel_group != NULL && is_in(peer, *panel_group)) {
        return CONTROL_PANEL;
    }
    return is_in(peer, group) ? CONTROL_MEMBER : CONTROL_STRANGER;
}

const struct control_right *control_right_find(const json_t *request)
{
    /* A row with a member stands before the one without. */
    static const struct control_right RIGHTS[] = {
        {"status", NULL, CONTROL_MEMBER},
        {"ready", NULL, CONTROL_MEMBER},
        {"history", NULL, CONTROL_MEMBER},
        {"serving", NULL, CONTROL_MEMBER},
        {"leaving", NULL, CONTROL_MEMBER},
        {"owners", NULL, CONTROL_MEMBER},
        {"panel", NULL, CONTROL_PANEL},
        {"panel-text", NULL, CONTROL_PANEL},
        /* What it takes away senders may hold still. */
        {"reload", "accept_removals", CONTROL_OWNER},
        {"reload", NULL, CONTROL_MEMBER},
        /* What a CA counts, and what nobody can take back. */
        {"cert-renew", NULL, CONTROL_OWNER},
        {"cert-revoke", NULL, CONTROL_OWNER},
        {"account-rollover", NULL, CONTROL_OWNER},
    };
    const char *command = json_string_value(json_object_get(request, "command"));
    for (size_t i = 0; command != NULL && i < ARRAY_LENGTH(RIGHTS); i++) {
        const struct control_right *right = &RIGHTS[i];
        if (strcmp(right->command, command) == 0 &&
            (right->with == NULL || json_is_true(json_object_get(request, right->with)))) {
            return right;
        }
    }
    return NULL;
}
