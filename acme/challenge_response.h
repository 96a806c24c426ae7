/* What proves to a CA that a host is ours (RFC 8555 §8), put up and taken down: on the board for
 * http-01 and tls-alpn-01, in the DNS, by the operator's program, for dns-01. */
#ifndef ACME_CHALLENGE_RESPONSE_H
#define ACME_CHALLENGE_RESPONSE_H

#include "acme/ca.h"
#include "config/settings.h"

struct acme;

/* One challenge. Zero-initialised but for `kind`: none is chosen. */
struct challenge_response {
    enum settings_challenge kind; /* that is tried first, then the one that is chosen */
    char *url;
    char *key_authorization; /* RFC 8555 §8.1 */
    bool is_posted;          /* it is on the board … */
    bool is_presented;       /* … in the DNS */
};

/* The challenge of the kind that was decided on, else of any that is configured. False: TOLD offers
 * none of them. */
bool challenge_response_choose(struct challenge_response *response,
                               const struct settings_acme *settings,
                               const struct acme_authorization *told, const char *thumbprint)
    MUST_USE;

/* FAILURE is NULL where it is up; else why it is not, of TYPE. */
typedef void (*challenge_shown)(const char *type, const char *failure, void *context);

/* Puts up the answer for HOST to the challenge that was chosen, to be looked at by CA. SHOWN is
 * called once, maybe before this returns. */
void challenge_response_show(struct challenge_response *response, struct acme *acme,
                             const char *host, const struct ca *ca, challenge_shown shown,
                             void *context);
/* Takes it down. Without effect where nothing is up. */
void challenge_response_hide(struct challenge_response *response, struct acme *acme,
                             const char *host);
/* Takes it off the board alone: we stop, and the next run goes on with it. */
void challenge_response_withdraw(struct challenge_response *response, struct acme *acme,
                                 const char *host);
void challenge_response_clear(struct challenge_response *response);

#endif
