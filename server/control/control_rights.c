#include "control_rights.h"

#include <string.h>

#include "lib/base/memory.h"

enum control_rank control_rank_of(const struct control_peer *peer, uid_t user, gid_t group)
{
    if (peer->uid == 0 || peer->uid == user) {
        return CONTROL_OWNER;
    }
    bool is_in = peer->gid == group;
    for (size_t i = 0; !is_in && i < peer->group_count; i++) {
        is_in = peer->groups[i] == group;
    }
    return is_in ? CONTROL_MEMBER : CONTROL_STRANGER;
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
