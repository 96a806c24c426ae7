#include <assert.h>
#include <stdlib.h>

#include "policies/live/policy_set_parts.h"

/* The mention of the shared policy NAME, made where it is the first. */
static struct offer_use *find_use(struct policy_set *set, struct set_offer *offer,
                                  struct bytes name)
{
    /* Neighbours often use the same one. */
    struct offer_use *last = offer->use_count != 0 ? &offer->uses[offer->use_count - 1] : NULL;
    if (last != NULL && bytes_equal(set_shared_name(last->shared), name)) {
        return last;
    }
    struct set_shared *shared = set_shared_mention(set, name);
    if (shared->number != 0) {
        set_shared_unmention(set, shared);
        return &offer->uses[shared->number - 1];
    }
    ARRAY_GROW(offer->uses, offer->use_count, offer->use_capacity);
    assert(offer->uses != NULL);
    offer->uses[offer->use_count] = (struct offer_use){.shared = shared};
    shared->number = ++offer->use_count;
    return &offer->uses[shared->number - 1];
}

/* Copies what serving needs out of the parsed file, in as few allocations as a file has kinds of
 * things: a hundred thousand small files are offered at once at start, and those that stay refused
 * stay in memory. */
static void copy_domain(struct policy_set *set, struct set_offer *offer,
                        struct policy_file_entry *entry, struct offer_domain *domain, char *name)
{
    memcpy(name, entry->name.p, entry->name.n);
    *domain = (struct offer_domain){
        .name = name,
        .name_length = (unsigned char)entry->name.n,
        .place = {entry->place.line, entry->place.column},
    };
    if (entry->shared.n == 0) {
        domain->policy = policy_file_take_policy(entry);
        return;
    }
    struct offer_use *use = find_use(set, offer, entry->shared);
    struct set_place place = {entry->shared_place.line, entry->shared_place.column};
    bool earlier = place.line < use->place.line ||
                   (place.line == use->place.line && place.column < use->place.column);
    if (use->count == 0 || earlier) {
        use->place = place;
    }
    use->count++;
    domain->shared = use->shared;
}

static void copy_shared(struct policy_set *set, struct policy_file_entry *entry,
                        struct offer_shared *shared)
{
    *shared = (struct offer_shared){
        .shared = set_shared_mention(set, entry->name),
        .policy = policy_file_take_policy(entry),
        .mirror = TAKE(entry->mirror),
        .place = {entry->place.line, entry->place.column},
    };
}

struct set_offer *set_offer_new(struct policy_set *set, struct policy_file *file)
{
    struct set_offer *offer = memory_zero(1, sizeof(*offer));
    size_t octets = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        octets += file->domains[i].name.n;
    }
    offer->names = memory_alloc(octets);
    offer->domains = memory_zero(file->domain_count, sizeof(*offer->domains));
    offer->domain_count = file->domain_count;
    offer->shared = memory_zero(file->policy_count, sizeof(*offer->shared));
    offer->shared_count = file->policy_count;
    char *name = offer->names;
    for (size_t i = 0; i < file->domain_count; i++) {
        copy_domain(set, offer, &file->domains[i], &offer->domains[i], name);
        name += file->domains[i].name.n;
    }
    for (size_t i = 0; i < offer->use_count; i++) {
        offer->uses[i].shared->number = 0;
    }
    for (size_t i = 0; i < file->policy_count; i++) {
        copy_shared(set, &file->policies[i], &offer->shared[i]);
    }
    policy_file_clear(file);
    return offer;
}

struct set_offer *set_offer_new_empty(void)
{
    struct set_offer *offer = memory_zero(1, sizeof(*offer));
    offer->absent = true;
    return offer;
}

void set_offer_free(struct policy_set *set, struct set_offer *offer)
{
    if (offer == NULL) {
        return;
    }
    for (size_t i = 0; i < offer->domain_count; i++) {
        policy_free(offer->domains[i].policy);
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        policy_free(offer->shared[i].policy);
        free(offer->shared[i].mirror);
        set_shared_unmention(set, offer->shared[i].shared);
    }
    for (size_t i = 0; i < offer->use_count; i++) {
        set_shared_unmention(set, offer->uses[i].shared);
    }
    free(offer->domains);
    free(offer->shared);
    free(offer->uses);
    free(offer->names);
    free(offer);
}

const struct offer_domain *set_offer_find_domain(const struct set_offer *offer, struct bytes name)
{
    size_t low = 0;
    size_t high = offer->domain_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct offer_domain *domain = &offer->domains[middle];
        int order = bytes_compare((struct bytes){domain->name, domain->name_length}, name);
        if (order == 0) {
            return domain;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* --- Texts --- */

const struct offer_shared *set_offer_find_shared(const struct set_offer *offer,
                                                 const struct set_shared *shared)
{
    size_t low = 0;
    size_t high = offer->shared_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct offer_shared *found = &offer->shared[middle];
        int order = bytes_compare(set_shared_name(found->shared), set_shared_name(shared));
        if (order == 0) {
            return found;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct policy *set_shared_text(const struct set_shared *shared)
{
    const struct offer_shared *coming = set_file_stands(shared->claimant)
                                            ? set_offer_find_shared(shared->claimant->offer, shared)
                                            : NULL;
    if (coming != NULL && coming->policy != NULL) {
        return coming->policy;
    }
    return set_shared_served(shared);
}

const struct policy *set_offer_text(const struct offer_domain *offered)
{
    return offered->shared != NULL ? set_shared_text(offered->shared) : offered->policy;
}

const struct policy *set_domain_text(const struct policy_domain *domain)
{
    struct bytes name = policy_domain_name(domain);
    const struct set_file *owner = domain->owner;
    if (domain->slot != NULL || owner == NULL || owner->restored == NULL) {
        return domain->slot != NULL ? domain->slot->policy : NULL;
    }
    const struct offer_domain *restored = set_offer_find_domain(owner->restored, name);
    if (restored == NULL) {
        return NULL;
    }
    return restored->shared == NULL         ? restored->policy
           : restored->shared->slot != NULL ? restored->shared->slot->policy
                                            : restored->shared->former;
}
