/* A CA's messages: JSON to structs, with bounds on every size and count. Pure. URLs must be https
 * and at most ACME_URL_MAX octets. What these structs own is freed by their _clear. Unknown members
 * are passed over (RFC 8555 §7). */
#ifndef ACME_PROTOCOL_MESSAGES_H
#define ACME_PROTOCOL_MESSAGES_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

enum {
    ACME_MESSAGE_MAX = 256 * 1024, /* octets of a JSON message */
    ACME_URL_MAX = 2048,
    ACME_LIST_MAX = 100, /* items of a list that are kept; more is an error */
};

struct acme_names {
    char **items;
    size_t count;
};
/* Octet for octet; for profiles. */
bool acme_names_have(const struct acme_names *names, const char *name);

/* RFC 8555 §7.1.1, RFC 9773 §4 (renewalInfo), draft-aaron-acme-profiles (meta.profiles). */
struct acme_directory {
    char *new_nonce; /* these five are always there */
    char *new_account;
    char *new_order;
    char *revoke_cert;
    char *key_change;
    char *renewal_info; /* NULL: not offered */
    char *terms;        /* meta.termsOfService, or NULL; for people: any scheme */
    bool external_account_required;
    struct acme_names caa_identities;
    struct acme_names profiles; /* their names */
};
bool acme_directory_parse(struct bytes json, struct acme_directory *ret_directory, struct error *e)
    MUST_USE;
void acme_directory_clear(struct acme_directory *directory);

/* An error document (RFC 8555 §6.7). Texts are made fit for messages: control characters replaced,
 * cut at their size. */
struct acme_problem {
    char type[64];      /* after "urn:ietf:params:acme:error:"; else the whole type; empty: no
                           problem */
    char detail[768];   /* with the details of subproblems (RFC 8555 §6.7.1) appended */
    char instance[256]; /* an https URL for the user to visit, or empty */
    int status;
};
/* Anything: what is no problem document gives type "" and a detail with the text's beginning. */
void acme_problem_parse(struct bytes json, struct acme_problem *ret_problem);
/* A copy of PROBLEM, some text of a CA's, for the log: in an address that a CA names for its
 * customer, what follows "?" may be a secret, and is left out; so are tokens. The caller frees it.
 */
char *acme_problem_for_log(const char *problem);

/* RFC 8555 §7.1.6 */
enum acme_status_word {
    ACME_PENDING,
    ACME_READY,
    ACME_PROCESSING,
    ACME_VALID,
    ACME_INVALID,
    ACME_DEACTIVATED,
    ACME_EXPIRED,
    ACME_REVOKED,
};

/* RFC 8555 §7.1.3 */
struct acme_order {
    enum acme_status_word status;
    struct acme_names authorizations; /* URLs; at least one */
    char *finalize;
    char *certificate; /* NULL until valid */
    struct acme_problem problem;
};
bool acme_order_parse(struct bytes json, struct acme_order *ret_order, struct error *e) MUST_USE;
void acme_order_clear(struct acme_order *order);

/* RFC 8555 §7.1.4 and §8 */
struct acme_challenge {
    char type[32];
    char *url;
    char *token; /* base64url (checked), at least 16 and at most 256 octets; NULL where the type has
                    none */
    enum acme_status_word status;
    struct acme_problem problem;
};
struct acme_authorization {
    enum acme_status_word status;
    char *identifier; /* lower case */
    struct acme_challenge *challenges;
    size_t challenge_count;
};
bool acme_authorization_parse(struct bytes json, struct acme_authorization *ret_authorization,
                              struct error *e) MUST_USE;
void acme_authorization_clear(struct acme_authorization *authorization);
/* NULL: not offered. */
const struct acme_challenge *acme_authorization_find(const struct acme_authorization *authorization,
                                                     const char *type);

/* RFC 8555 §7.1.2: only the status counts for us. */
bool acme_account_parse(struct bytes json, enum acme_status_word *ret_status, struct error *e)
    MUST_USE;

/* RFC 9773 §4.2: end is after start. */
struct acme_renewal_info {
    int64_t start_s;
    int64_t end_s;
    char explanation[256]; /* explanationURL, or empty */
};
bool acme_renewal_info_parse(struct bytes json, struct acme_renewal_info *ret_info, struct error *e)
    MUST_USE;

#endif
