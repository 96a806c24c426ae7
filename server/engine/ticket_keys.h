/* The keys of TLS session tickets (RFC 5077 §4, RFC 8446 §4.6.1): a new one every two hours, which
 * is as long as a session may be resumed.
 *
 * There are three. Tickets are made with the current one; the former is for tickets that were made
 * before the last change, and nothing can be done with it afterwards but to read those for two
 * hours; the one to come is there already, so that a worker that hears of a change a moment later
 * than another reads the other's tickets. Whoever steals them reads sessions of four hours, not of
 * all the time that the server ran. It is a value: put it into secret memory
 * (lib/base/secret_memory.h), and wipe every copy. */
#ifndef SERVER_ENGINE_TICKET_KEYS_H
#define SERVER_ENGINE_TICKET_KEYS_H

#include <stdint.h>

#include "lib/base/error.h"

enum {
    TICKET_KEYS_PERIOD_S = 2 * 60 * 60,
    TICKET_KEY_NAME = 16,
    TICKET_KEY_SECRET = 32,
};

struct ticket_key {
    unsigned char name[TICKET_KEY_NAME];     /* stands in each ticket, in the clear */
    unsigned char cipher[TICKET_KEY_SECRET]; /* AES-256-CBC */
    unsigned char mac[TICKET_KEY_SECRET];    /* HMAC-SHA256 */
};

/* By what they are for. */
enum ticket_key_role {
    TICKET_KEY_TO_COME,
    TICKET_KEY_CURRENT,
    TICKET_KEY_FORMER,
    TICKET_KEY_ROLES
};

struct ticket_keys {
    struct ticket_key keys[TICKET_KEY_ROLES];
    int64_t due_ms; /* monotonic: when they change next */
};

/* Fills P with N octets that nobody can guess; false with errno. getrandom(2), but for tests. */
typedef bool ticket_keys_random(void *p, size_t n);

bool ticket_keys_random_octets(void *p, size_t n);

/* All new. */
bool ticket_keys_begin(struct ticket_keys *keys, int64_t now_ms, ticket_keys_random *random,
                       struct error *e) MUST_USE;

/* Moves each key on by one where it is time, or by as many as were missed. True: they are others
 * now. Where no random octets are to be had the old ones stay, and it is due again a second later.
 */
bool ticket_keys_tend(struct ticket_keys *keys, int64_t now_ms, ticket_keys_random *random);

/* The key that NAME names, and in *RET_ROLE what it is for; NULL: none of these. */
struct ticket_key *ticket_keys_find(struct ticket_keys *keys,
                                    const unsigned char name[static TICKET_KEY_NAME],
                                    enum ticket_key_role *ret_role);

#endif
