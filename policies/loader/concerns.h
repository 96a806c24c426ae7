/* What a survey (policies/loader/survey.h) finds that wants a person, as far as time makes it so:
 * names that had no certificate for long, certificates that nobody renews. Counted as it goes by;
 * what the survey looks at is its own. */
#ifndef POLICIES_LOADER_CONCERNS_H
#define POLICIES_LOADER_CONCERNS_H

#include "lib/certificates/certificate_table.h"
#include "policies/model/policy_index.h"

/* So long a name may be without a certificate before that is told as trouble. */
enum { CONCERNS_GRACE_S = 3600 };

struct concern {
    size_t count;
    char *name; /* of the first: of the name found first, the certificate that ends first */
    char *path; /* of that certificate, else NULL */
    int64_t not_after_s; /* the same */
};

struct concerns {
    struct concern without; /* served names that had no certificate for CONCERNS_GRACE_S */
    struct concern
        ending; /* certificates from files, of served names (lib/certificates/lifetime.h) */
    /* From then on the same tables give another result: by the monotonic and by the wall clock. */
    int64_t stale_ms;
    int64_t stale_s;
};

/* CONCERNS were cleared, or are zero-initialised. */
void concerns_begin(struct concerns *concerns);
/* DOMAIN has no certificate for HOST, its policy host. Since when is noted at the domain itself: a
 * table of its own would have to follow each edit. */
void concerns_note_without(struct concerns *concerns, struct policy_domain *domain,
                           const char *host, int64_t now_ms);
/* DOMAIN has one. */
void concerns_note_with(struct policy_domain *domain);
/* In the tables' thread, or a read section. A pair that another one has taken the place of, or that
 * is for other names than ours, is nobody's concern; ACME's own are the ACME client's. */
void concerns_note_pair(struct concerns *concerns, const struct certificate_pair *pair,
                        const struct policy_index *policies, const struct certificate_table *table,
                        int64_t now_s);
/* Whether time alone has changed the result. */
bool concerns_are_stale(const struct concerns *concerns, int64_t now_s, int64_t now_ms);

void concerns_copy(const struct concerns *from, struct concerns *ret_to);
void concerns_clear(struct concerns *concerns);

#endif
