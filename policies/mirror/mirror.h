/* Follows the policies that shared policies mirror (RFC 8461 §8.2), on a thread of its own: looks
 * at each provider at its own pace, keeps the last good text under `state`, and hands new ones to
 * whoever serves them.
 *
 *     mirror_start(&options, &mirror, e)
 *     mirror_follow(mirror, domains, count)       all of them, each time they are others
 *     … options.install("gmail.com", policy, context) …
 *     mirror_stop(mirror)
 *
 * A text is valid by the RFC or it never replaces a good one: outages, wrong certificates,
 * redirects, oversized bodies and garbage change nothing and are told. Whatever is valid is
 * followed, `none` too: it is how a provider leaves (§8.3), and who went on with `enforce` would
 * lose mail when the certificates of its MX hosts go. That is told loudly.
 *
 * Only addresses that lib/fetch/address_rule.h allows are asked, and those in the pace's
 * `addresses`.
 *
 * Once a new text is installed its TXT record has another id, which somebody has to publish:
 * `install` is the place for a server that does it by itself. */
#ifndef POLICIES_MIRROR_MIRROR_H
#define POLICIES_MIRROR_MIRROR_H

#include "config/settings.h"
#include "lib/base/log.h"
#include "policies/model/policy.h"
#include "policies/model/policy_id.h"

struct mirror;

struct mirror_options {
    const struct settings *settings; /* borrowed, outlives it: state, resolvers and listeners; its
                                        `mirror` is the first pace */
    struct log *log;
    /* On the mirror's thread: POLICY (taken), valid and in the safe form, is what DOMAIN serves
     * now. The same may come twice. */
    void (*install)(const char *domain, struct policy *policy, void *context);
    void *context;
    const char *ca_file; /* for tests: as struct policy_fetch_options has them; NULL */
    const char *connect_to;
};

bool mirror_start(const struct mirror_options *options, struct mirror **ret_mirror, struct error *e)
    MUST_USE;
/* Waits for the looks under way, which end soon. NULL is fine. */
void mirror_stop(struct mirror *mirror);

/* The three below may be called from any thread. */

/* These (sorted, each once) are followed from now on, and no others. Copies of what is followed no
 * more stay on the disk; who serves them removes one that is over before it is followed anew. */
void mirror_follow(struct mirror *mirror, const char *const *domains, size_t count);
/* After a reload: another pace, and a look at each without delay. */
void mirror_set_pace(struct mirror *mirror, const struct settings_mirror *pace);

struct mirror_status_row {
    char *domain;
    bool has_policy;
    enum policy_mode mode; /* of the text that is followed, as the next two */
    struct policy_id id;   /* of the provider's record */
    int64_t fetched_s;     /* wall clock, as all of these; 0: never */
    int64_t looked_s;
    int64_t next_s;
    unsigned failures; /* of looks, in a row */
    char *problem;     /* of the last look, or NULL */
    char *doubt;       /* about the text that is followed, or NULL */
};
struct mirror_status {
    struct mirror_status_row *rows; /* sorted by domain */
    size_t count;
};
/* DONE (takes STATUS) runs on the mirror's thread, and not at all once mirror_stop was called. */
void mirror_ask_status(struct mirror *mirror,
                       void (*done)(struct mirror_status *status, void *context), void *context);
/* NULL is fine. */
void mirror_status_free(struct mirror_status *status);

#endif
