#include "policy_index.h"

#include <assert.h>
#include <limits.h>

#include "lib/base/memory.h"

struct policy_index {
    struct rcu_table *domains;
    size_t served;
};

/* A slot outlives its last reader, who may have come to it through a domain that left it since. */
struct shared_slot {
    struct policy_slot slot;
    struct rcu_head head;
};

static struct policy_domain *domain_of(struct rcu_entry *entry)
{
    return caa_container_of(entry, struct policy_domain, entry);
}

static struct bytes domain_key(const struct rcu_entry *entry)
{
    const struct policy_domain *domain = caa_container_of(entry, struct policy_domain, entry);
    return policy_domain_name(domain);
}

/* `own.policy` belongs to the domain only while `slot` points there: see policy_index_set_shared.
 */
static bool serves_own(const struct policy_domain *domain)
{
    return domain->slot == &domain->own;
}

static void domain_free(struct rcu_entry *entry)
{
    struct policy_domain *domain = domain_of(entry);
    if (serves_own(domain)) {
        policy_free(domain->own.policy);
    }
    free(domain);
}

static const struct rcu_table_methods domain_methods = {.key = domain_key, .free = domain_free};

static void policy_free_deferred(struct rcu_head *head)
{
    policy_free(caa_container_of(head, struct policy, head));
}

static void policy_defer_free(struct policy *policy)
{
    if (policy != NULL) {
        rcu_defer(&policy->head, policy_free_deferred);
    }
}

struct policy_index *policy_index_new(void)
{
    struct policy_index *index = memory_zero(1, sizeof(*index));
    index->domains = rcu_table_new(&domain_methods);
    return index;
}

void policy_index_free(struct policy_index *index)
{
    if (index == NULL) {
        return;
    }
    rcu_table_free(index->domains);
    free(index);
}

const struct policy *policy_index_find(const struct policy_index *index, struct bytes domain)
{
    struct rcu_entry *entry = rcu_table_find(index->domains, domain);
    if (entry == NULL) {
        return NULL;
    }
    const struct policy_slot *slot = rcu_current(domain_of(entry)->slot);
    return slot != NULL ? rcu_current(slot->policy) : NULL;
}

size_t policy_index_count(const struct policy_index *index)
{
    return index->served;
}

struct policy_domain *policy_index_domain(const struct policy_index *index, struct bytes domain)
{
    struct rcu_entry *entry = rcu_table_find(index->domains, domain);
    return entry != NULL ? domain_of(entry) : NULL;
}

struct policy_domain *policy_index_claim(struct policy_index *index, struct bytes domain)
{
    struct policy_domain *known = policy_index_domain(index, domain);
    if (known != NULL) {
        return known;
    }
    assert(domain.n <= UCHAR_MAX);
    struct policy_domain *new = memory_zero(1, sizeof(*new) + domain.n + 1);
    new->name_length = (unsigned char)domain.n;
    memcpy(new->name, domain.p, domain.n);
    rcu_table_add(index->domains, &new->entry);
    return new;
}

void policy_index_set_own(struct policy_index *index, struct policy_domain *domain,
                          struct policy *policy)
{
    if (serves_own(domain)) {
        policy_slot_publish(&domain->own, policy);
        return;
    }
    index->served += domain->slot == NULL;
    /* In this order: who finds the slot finds the policy in it. */
    rcu_publish(domain->own.policy, policy);
    rcu_publish(domain->slot, &domain->own);
}

void policy_index_set_shared(struct policy_index *index, struct policy_domain *domain,
                             struct policy_slot *slot)
{
    index->served += domain->slot == NULL;
    struct policy *old = serves_own(domain) ? domain->own.policy : NULL;
    rcu_publish(domain->slot, slot);
    /* `own.policy` is not set to NULL: a reader who came to the slot before the line above must
     * still find the old policy there. Later readers do not come there any more. */
    policy_defer_free(old);
}

void policy_index_remove(struct policy_index *index, struct policy_domain *domain)
{
    index->served -= domain->slot != NULL;
    rcu_table_remove(index->domains, &domain->entry);
}

struct policy_slot *policy_slot_new(void)
{
    struct shared_slot *shared = memory_zero(1, sizeof(*shared));
    return &shared->slot;
}

static void slot_free_deferred(struct rcu_head *head)
{
    struct shared_slot *shared = caa_container_of(head, struct shared_slot, head);
    policy_free(shared->slot.policy);
    free(shared);
}

void policy_slot_free(struct policy_slot *slot)
{
    if (slot != NULL) {
        rcu_defer(&caa_container_of(slot, struct shared_slot, slot)->head, slot_free_deferred);
    }
}

void policy_slot_publish(struct policy_slot *slot, struct policy *policy)
{
    struct policy *old = slot->policy;
    rcu_publish(slot->policy, policy);
    policy_defer_free(old);
}

struct visit {
    bool (*visit)(struct policy_domain *domain, void *context);
    void *context;
};

static bool visit_entry(struct rcu_entry *entry, void *context)
{
    const struct visit *visit = context;
    return visit->visit(domain_of(entry), visit->context);
}

void policy_index_each(const struct policy_index *index,
                       bool (*visit)(struct policy_domain *domain, void *context), void *context)
{
    struct visit each = {visit, context};
    rcu_table_each(index->domains, visit_entry, &each);
}

void policy_index_walk_begin(struct policy_index *index)
{
    rcu_table_walk_begin(index->domains);
}

bool policy_index_walk(struct policy_index *index, size_t most,
                       bool (*visit)(struct policy_domain *domain, void *context), void *context)
{
    struct visit each = {visit, context};
    return rcu_table_walk(index->domains, most, visit_entry, &each);
}
