#include "ticket_keys.h"

#include <string.h>
#include <sys/random.h>

enum { PERIOD_MS = TICKET_KEYS_PERIOD_S * 1000, AGAIN_MS = 1000 };

bool ticket_keys_random_octets(void *p, size_t n)
{
    return getrandom(p, n, 0) == (ssize_t)n; /* up to 256 octets come at once (getrandom(2)) */
}

bool ticket_keys_begin(struct ticket_keys *keys, int64_t now_ms, ticket_keys_random *random,
                       struct error *e)
{
    for (size_t i = 0; i < TICKET_KEY_ROLES; i++) {
        if (!random(&keys->keys[i], sizeof(keys->keys[i]))) {
            return error_system(e, "cannot make a key for session tickets");
        }
    }
    keys->due_ms = now_ms + PERIOD_MS;
    return true;
}

static bool move_on(struct ticket_keys *keys, ticket_keys_random *random)
{
    struct ticket_key new;
    bool made = random(&new, sizeof(new));
    if (made) {
        keys->keys[TICKET_KEY_FORMER] = keys->keys[TICKET_KEY_CURRENT];
        keys->keys[TICKET_KEY_CURRENT] = keys->keys[TICKET_KEY_TO_COME];
        keys->keys[TICKET_KEY_TO_COME] = new;
    }
    explicit_bzero(&new, sizeof(new));
    return made;
}

bool ticket_keys_tend(struct ticket_keys *keys, int64_t now_ms, ticket_keys_random *random)
{
    bool changed = false;
    int64_t missed = now_ms < keys->due_ms ? 0 : 1 + (now_ms - keys->due_ms) / PERIOD_MS;
    for (int64_t i = 0; i < missed && i < TICKET_KEY_ROLES; i++) {
        if (!move_on(keys, random)) {
            keys->due_ms = now_ms + AGAIN_MS; /* whoever waits until then does not spin */
            return changed;
        }
        changed = true;
    }
    keys->due_ms += missed * PERIOD_MS;
    return changed;
}

struct ticket_key *ticket_keys_find(struct ticket_keys *keys,
                                    const unsigned char name[static TICKET_KEY_NAME],
                                    enum ticket_key_role *ret_role)
{
    for (size_t i = 0; i < TICKET_KEY_ROLES; i++) {
        if (memcmp(keys->keys[i].name, name, TICKET_KEY_NAME) == 0) {
            *ret_role = (enum ticket_key_role)i;
            return &keys->keys[i];
        }
    }
    return NULL;
}
