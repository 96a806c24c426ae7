/* What is served: domain to policy, for many reading threads and one writer.
 *
 * A domain points to a slot, a slot to a policy. A shared policy is one slot that all its domains
 * point to, so one pointer store changes 500,000 of them; a policy of a domain's own has a slot
 * inside the domain's entry. Readers are lock-free (lib/base/rcu_table.h) and see, for each domain,
 * the old or the new policy, whole. */
#ifndef POLICIES_MODEL_POLICY_INDEX_H
#define POLICIES_MODEL_POLICY_INDEX_H

#include "lib/base/bytes.h"
#include "lib/base/rcu_table.h"
#include "policies/model/policy.h"

struct policy_index;

struct set_file;

/* The place that a policy is published in. */
struct policy_slot {
    struct policy *policy; /* RCU-protected; NULL: nothing published */
};

/* One domain. The fields below `owner` are the writer's own notes; readers never look at them. */
struct policy_domain {
    struct rcu_entry entry;
    struct policy_slot *slot; /* RCU-protected: &own or a shared slot; NULL: claimed, not served */
    struct policy_slot own;
    struct set_file *owner; /* whose domain this is; the writer's own, unknown here */
    void *claimant; /* in the change set under way: the file that gets it, or NULL. While it is
                       not known: what policies/live/policy_set_claims.c says of it */
    /* Since when it is known to have no certificate (policies/loader/survey.h). */
    uint32_t without_s;
    unsigned char name_length;
    char name[];
};

static inline struct bytes policy_domain_name(const struct policy_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
}

struct policy_index *policy_index_new(void);
void policy_index_free(struct policy_index *index);

/* --- Readers (registered threads, between rcu_read_begin and rcu_read_end) --- */

/* The policy served for DOMAIN (normalised), or NULL. Valid until rcu_read_end. */
const struct policy *policy_index_find(const struct policy_index *index, struct bytes domain);

/* --- The one writer --- */

/* Domains that are served (a slot is set). */
size_t policy_index_count(const struct policy_index *index);

struct policy_domain *policy_index_domain(const struct policy_index *index, struct bytes domain);
/* The same, made (not served yet) where it is missing. */
struct policy_domain *policy_index_claim(struct policy_index *index, struct bytes domain);

/* Serves POLICY (taken) as DOMAIN's own. */
void policy_index_set_own(struct policy_index *index, struct policy_domain *domain,
                          struct policy *policy);
/* Serves what SLOT holds, now and later. */
void policy_index_set_shared(struct policy_index *index, struct policy_domain *domain,
                             struct policy_slot *slot);
/* Stops serving DOMAIN and forgets it. */
void policy_index_remove(struct policy_index *index, struct policy_domain *domain);

/* A slot for a shared policy. Free it only when no domain points to it. */
struct policy_slot *policy_slot_new(void);
void policy_slot_free(struct policy_slot *slot);
/* One pointer store; the old policy is freed when its readers are gone. Takes POLICY. */
void policy_slot_publish(struct policy_slot *slot, struct policy *policy);

void policy_index_each(const struct policy_index *index,
                       bool (*visit)(struct policy_domain *domain, void *context), void *context);

/* The same, some MOST domains at a time, as rcu_table_walk: false, all were visited. */
void policy_index_walk_begin(struct policy_index *index);
bool policy_index_walk(struct policy_index *index, size_t most,
                       bool (*visit)(struct policy_domain *domain, void *context), void *context);

#endif
