/* What was settled goes into the index, as far as it differs from what is there.
 *
 * A reader sees each domain go from the old policy to the new one in one step, through nothing in
 * between: shared policies that nobody uses yet come first; then domains, where one that comes to
 * a shared policy whose text changes as well gets a copy of the new text for the moment; then those
 * texts, one store each; what is removed goes last, so that a domain that moves is never missing.
 */
#include "policies/live/policy_set_parts.h"

static bool is_none(const struct policy *policy)
{
    return policy->mode == POLICY_NONE;
}

static void tell(struct policy_set *set, const struct policy_set_event *event)
{
    set->result.published += !event->gone;
    if (set->changed != NULL) {
        set->changed(event, set->context);
    }
}

static struct bytes shared_subject(const struct set_shared *shared)
{
    return (struct bytes){shared->text, shared->name_length + 1};
}

static const struct policy *own_policy(const struct policy_domain *domain)
{
    return domain->slot == &domain->own ? domain->own.policy : NULL;
}

static void leave_shared(struct policy_set *set, const struct policy_domain *domain)
{
    struct set_shared *shared = set_shared_of(set, domain);
    if (shared != NULL) {
        shared->users--;
        set->publication.readers_may_lag = true;
        set_shared_touch(set, shared);
    }
}

/* A reader may have come to a slot by a domain that has left it since, and not have looked into it
 * yet. It must not find there what the domain never served. */
static void wait_for_lagging_readers(struct policy_set *set)
{
    if (set->publication.readers_may_lag && set->publication.change_count != 0) {
        synchronize_rcu();
        set->publication.readers_may_lag = false;
    }
}

void set_publish_shared(struct policy_set *set, struct set_shared *shared, struct policy *policy)
{
    struct policy *now = shared->slot != NULL ? shared->slot->policy : NULL;
    if (now != NULL && policy_equal(now, policy)) {
        policy_free(policy);
        return;
    }
    if (now == NULL) {
        tell(set, &(struct policy_set_event){
                      .subject = shared_subject(shared), .after = policy, .none = is_none(policy)});
        set_shared_publish(set, shared, policy);
        return;
    }
    shared->coming = policy;
    ARRAY_GROW(set->publication.changes, set->publication.change_count,
               set->publication.change_capacity);
    set->publication.changes[set->publication.change_count++] = (struct set_change){shared, policy};
}

/* Takes the policy. A mirror without a text keeps what was served under its name. */
static void publish_shared(struct policy_set *set, struct offer_shared *offered)
{
    struct error e;
    struct policy *policy = offered->mirror != NULL ? set_mirror_render(set, offered->mirror, &e)
                                                    : TAKE(offered->policy);
    if (policy != NULL) {
        set_publish_shared(set, offered->shared, policy);
    }
}

static void publish_own(struct policy_set *set, struct policy_domain *domain, struct policy *policy)
{
    const struct policy *now = own_policy(domain);
    if (now != NULL && policy_equal(now, policy)) {
        policy_free(policy);
        return;
    }
    tell(set, &(struct policy_set_event){.subject = policy_domain_name(domain),
                                         .before = now,
                                         .after = policy,
                                         .none = is_none(policy)});
    leave_shared(set, domain);
    policy_index_set_own(set->index, domain, policy);
}

void set_publish_user(struct policy_set *set, struct policy_domain *domain,
                      struct set_shared *shared)
{
    if (shared->slot == NULL || domain->slot == shared->slot) {
        return;
    }
    const struct policy *now = shared->coming != NULL ? shared->coming : shared->slot->policy;
    tell(set, &(struct policy_set_event){.subject = policy_domain_name(domain),
                                         .shared = shared_subject(shared),
                                         .before = own_policy(domain),
                                         .none = is_none(now)});
    leave_shared(set, domain);
    shared->users++;
    if (shared->coming == NULL) {
        policy_index_set_shared(set->index, domain, shared->slot);
        return;
    }
    policy_index_set_own(set->index, domain, policy_copy(shared->coming, shared->coming->mode));
    ARRAY_GROW(set->publication.arrivals, set->publication.arrival_count,
               set->publication.arrival_capacity);
    set->publication.arrivals[set->publication.arrival_count++] =
        (struct set_arrival){domain, shared};
}

static void publish_domain(struct policy_set *set, struct offer_domain *offered)
{
    if (offered->shared != NULL) {
        set_publish_user(set, offered->domain, offered->shared);
    } else {
        publish_own(set, offered->domain, TAKE(offered->policy));
    }
}

void set_publish_changes(struct policy_set *set)
{
    wait_for_lagging_readers(set);
    for (size_t i = 0; i < set->publication.change_count; i++) {
        struct set_shared *shared = set->publication.changes[i].shared;
        struct policy *policy = set->publication.changes[i].policy;
        tell(set, &(struct policy_set_event){.subject = shared_subject(shared),
                                             .before = shared->slot->policy,
                                             .after = policy,
                                             .none = is_none(policy)});
        set_shared_publish(set, shared, policy);
        shared->coming = NULL;
    }
    for (size_t i = 0; i < set->publication.arrival_count; i++) {
        policy_index_set_shared(set->index, set->publication.arrivals[i].domain,
                                set->publication.arrivals[i].shared->slot);
    }
    set->publication.change_count = 0;
    set->publication.arrival_count = 0;
}

void set_publish_removals(struct policy_set *set)
{
    for (size_t i = 0; i < set->publication.doomed_count; i++) {
        struct policy_domain *domain = set->publication.doomed[i];
        if (domain->slot != NULL) {
            tell(set, &(struct policy_set_event){.subject = policy_domain_name(domain),
                                                 .before = own_policy(domain),
                                                 .gone = true});
            set->result.removed++;
            leave_shared(set, domain);
        }
        policy_index_remove(set->index, domain);
    }
    set->publication.doomed_count = 0;
}

void set_publish_withdrawals(struct policy_set *set)
{
    for (size_t i = 0; i < set->publication.touched_count; i++) {
        struct set_shared *shared = set->publication.touched[i];
        if (shared->owner == NULL && shared->users == 0 && shared->slot != NULL) {
            tell(set, &(struct policy_set_event){.subject = shared_subject(shared),
                                                 .before = shared->slot->policy,
                                                 .gone = true});
            set_shared_withdraw(set, shared);
        }
    }
}

static void publish_all_shared(struct policy_set *set, const struct set_file *file,
                               struct set_offer *version)
{
    for (size_t i = 0; i < version->shared_count; i++) {
        /* Of a remembered version, another file may have it by now. */
        if (version->shared[i].shared->owner == file) {
            publish_shared(set, &version->shared[i]);
        }
    }
}

static void publish_all_domains(struct policy_set *set, const struct set_file *file,
                                struct set_offer *version)
{
    for (size_t i = 0; i < version->domain_count; i++) {
        struct policy_domain *domain = version->domains[i].domain;
        if (domain != NULL && domain->owner == file) {
            publish_domain(set, &version->domains[i]);
        }
    }
}

/* What the mirrors of versions that stand have no text for stays as it is remembered, whoever has
 * it now. */
static void publish_former_shared(struct policy_set *set, const struct set_file *file,
                                  struct set_offer *former)
{
    (void)file;
    for (size_t i = 0; i < former->shared_count; i++) {
        const struct set_shared *shared = former->shared[i].shared;
        if (shared->owner != NULL && shared->slot == NULL) {
            publish_shared(set, &former->shared[i]);
        }
    }
}

static void publish_former_domains(struct policy_set *set, const struct set_file *file,
                                   struct set_offer *former)
{
    (void)file;
    for (size_t i = 0; i < former->domain_count; i++) {
        const struct policy_domain *domain = former->domains[i].domain;
        if (domain != NULL && domain->owner != NULL && domain->slot == NULL) {
            publish_domain(set, &former->domains[i]);
        }
    }
}

/* Calls PUBLISH with the versions of a first load that are remembered: of files whose offers stand,
 * or of the others. */
static void each_restored(struct policy_set *set, bool standing,
                          void (*publish)(struct policy_set *set, const struct set_file *file,
                                          struct set_offer *version))
{
    for (size_t i = 0; i < set->files.count && set->starting && !set_is_abandoned(set); i++) {
        struct set_file *file = set->files.items[i];
        if (file->restored != NULL && set_file_stands(file) == standing) {
            publish(set, file, file->restored);
        }
    }
}

static void each_offered(struct policy_set *set,
                         void (*publish)(struct policy_set *set, const struct set_file *file,
                                         struct set_offer *version))
{
    for (size_t i = 0; i < set->round.count && !(set->starting && set_is_abandoned(set)); i++) {
        if (set_file_stands(set->round.items[i])) {
            publish(set, set->round.items[i], set->round.items[i]->offer);
        }
    }
}

void set_publish_texts(struct policy_set *set)
{
    each_restored(set, false, publish_all_shared);
    each_offered(set, publish_all_shared);
    each_restored(set, true, publish_former_shared);
    each_restored(set, false, publish_former_shared);
    each_restored(set, false, publish_all_domains);
    each_offered(set, publish_all_domains);
    each_restored(set, true, publish_former_domains);
    each_restored(set, false, publish_former_domains);
    set_publish_changes(set);
}
