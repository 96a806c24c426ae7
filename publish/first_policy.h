/* What a domain's first policy says: the hosts that its mail goes to, and what it serves already,
 * wherever that is. */
#ifndef PUBLISH_FIRST_POLICY_H
#define PUBLISH_FIRST_POLICY_H

#include "config/settings.h"
#include "lib/base/buffer.h"
#include "lib/base/diagnostics.h"
#include "lib/dns/name.h"
#include "lib/dns/resolver.h"
#include "policies/files/catalogue.h"

enum {
    FIRST_POLICY_MX_MAX = 1000,
    FIRST_POLICY_MAX_AGE_S = 24 * 60 * 60, /* short: a first policy is likely to be changed */
    FIRST_POLICY_TEXT_MAX = 2 * POLICY_BODY_MAX,
};

/* Normalised patterns, each once. Zero-initialised is empty. */
struct first_policy_mx {
    struct dns_name *items;
    size_t count;
    size_t capacity;
};

struct first_policy {
    struct dns_name domain;
    enum policy_mode mode; /* wanted */
    uint32_t max_age_s;
    struct first_policy_mx mx;
    bool implicit_mx;              /* it has no MX records: mail goes to the domain itself */
    struct policy *live;           /* that is served already, as senders see it; NULL: none */
    struct first_policy_mx lacked; /* MX hosts that it does not cover */
    struct diagnostics live_problems;
    char *live_unreadable; /* why nobody can read it; owned; or NULL */
};
void first_policy_clear(struct first_policy *first);

/* Whether CATALOGUE lacks the domain; else E says where it is. */
bool first_policy_is_new(const struct first_policy *first, const struct catalogue *catalogue,
                         struct error *e) MUST_USE;
/* DOMAIN.yaml in the first directory among PATHS; NULL: there is none. The caller frees it. */
char *first_policy_path(const struct first_policy *first, const struct settings_list *paths);

/* By HOSTS as the user named them, each one or several joined by commas. */
bool first_policy_name(struct first_policy *first, const char *const *hosts, size_t count,
                       struct error *e) MUST_USE;
/* By what DNS says and what is served. A domain that says it takes no mail (RFC 7505) is an error.
 */
bool first_policy_look(struct first_policy *first, const struct dns_resolver *resolver,
                       struct error *e) MUST_USE;

/* Puts the patterns of `live` before those hosts that it does not cover, which are `lacked`. */
void first_policy_join(struct first_policy *first);

/* Appends the policy file. */
bool first_policy_print(const struct first_policy *first, struct buffer *text, struct error *e)
    MUST_USE;

#endif
