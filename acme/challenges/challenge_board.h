/* What the serving threads need to answer a CA's challenges, published by the ACME thread, read
 * without a lock (lib/base/rcu_table.h).
 *
 * http-01 (RFC 8555 §8.3) is answered without any state of the order: the answer to any token is
 * TOKEN.THUMBPRINT, where the thumbprint is that of our account's key (RFC 7638). It proves nothing
 * to anybody but the CA that holds our account. A host whose order is under way at another CA than
 * the first has a notice of its own that names the thumbprint to use.
 *
 * tls-alpn-01 (RFC 8737) needs a certificate made for one authorization: it is in the host's
 * notice. */
#ifndef ACME_CHALLENGES_CHALLENGE_BOARD_H
#define ACME_CHALLENGES_CHALLENGE_BOARD_H

#include "lib/base/bytes.h"
#include "lib/base/memory.h"
#include "lib/certificates/pair.h"

struct challenge_board;

enum {
    CHALLENGE_TOKEN_MAX = 256, /* octets; RFC 8555 §8.3 asks for at least 22 of base64url */
    CHALLENGE_TOKEN_MIN = 16,
    THUMBPRINT_LENGTH = 43, /* SHA-256 in base64url */
};

/* On a registered RCU thread, as is challenge_board_free. */
struct challenge_board *challenge_board_new(void);
void challenge_board_free(struct challenge_board *board);

/* --- The ACME thread --- */

/* The thumbprint for hosts without a notice. Copied. */
void challenge_board_set_thumbprint(struct challenge_board *board, const char *thumbprint);
/* Puts up HOST's notice, in place of an older one. PAIR (for tls-alpn-01) may be NULL; a reference
 * is taken. */
void challenge_board_post(struct challenge_board *board, const char *host, const char *thumbprint,
                          struct certificate_pair *pair);
/* Takes HOST's notice down; without effect where there is none. */
void challenge_board_withdraw(struct challenge_board *board, const char *host);

/* --- Serving threads --- */

/* Letters, digits, '-' and '_', CHALLENGE_TOKEN_MIN to CHALLENGE_TOKEN_MAX of them. */
bool challenge_token_is_good(struct bytes token);

/* Whether HOST (normalised) has a notice. */
bool challenge_board_has(const struct challenge_board *board, struct bytes host);
/* Copies the thumbprint for HOST (normalised). False: there is no account yet. */
bool challenge_board_thumbprint(const struct challenge_board *board, struct bytes host,
                                char ret_thumbprint[THUMBPRINT_LENGTH + 1]) MUST_USE;
/* The pair that answers HOST's tls-alpn-01 challenge, with a reference for the caller, or NULL. */
struct certificate_pair *challenge_board_pair(const struct challenge_board *board,
                                              struct bytes host);

#endif
