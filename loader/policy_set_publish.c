/* What was settled goes into the index, as far as it differs from what is there.
 *
 * A reader sees each domain go from the old policy to the new one in one step, through nothing in
 * between: shared policies that nobody uses yet come first; then domains, where one that comes to
 * a shared policy whose text changes as well gets a copy of the new text for the moment; then those
 * texts, one store each; what is removed goes last, so that a domain that moves is never missing.
 */
#include <stdlib.h>

#include "dns/name.h"
#include "loader/policy_set_parts.h"

void set_publish_tell(struct policy_set *set, const struct policy_set_event *event)
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

static struct bytes domain_subject(const struct policy_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
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
        set->readers_may_lag = true;
        set_shared_touch(set, shared);
    }
}

/* A reader may have come to a slot by a domain that has left it since, and not have looked into it
 * yet. It must not find there what the domain never served. */
static void wait_for_lagging_readers(struct policy_set *set)
{
    if (set->readers_may_lag && set->change_count != 0) {
        synchronize_rcu();
        set->readers_may_lag = false;
    }
}

static struct policy *policy_copy(const struct policy *policy)
{
    struct error e;
    struct policy *copy = NULL;
    struct policy_terms terms = {.mode = policy->mode, .max_age_s = policy->max_age_s};
    struct dns_name *mx = NULL;
    size_t capacity = 0;
    size_t cursor = 0;
    struct bytes name;
    while (policy_next_mx(policy, &cursor, &name)) {
        ARRAY_GROW(mx, terms.mx_count, capacity);
        mx[terms.mx_count].n = (unsigned char)name.n;
        memcpy(mx[terms.mx_count].text, name.p, name.n);
        terms.mx_count++;
    }
    terms.mx = mx;
    if (!policy_new(&terms, &copy, &e)) {
        abort(); /* it has been rendered before */
    }
    free(mx);
    return copy;
}

/* Takes the policy. */
static void publish_shared(struct policy_set *set, struct offer_shared *offered)
{
    struct set_shared *shared = offered->shared;
    struct policy *policy = TAKE(offered->policy);
    struct policy *now = shared->slot != NULL ? shared->slot->policy : NULL;
    if (now != NULL && policy_equal(now, policy)) {
        policy_free(policy);
        return;
    }
    if (now == NULL) {
        set_publish_tell(
            set, &(struct policy_set_event){.subject = shared_subject(shared), .after = policy});
        set_shared_publish(set, shared, policy);
        return;
    }
    shared->coming = policy;
    ARRAY_GROW(set->changes, set->change_count, set->change_capacity);
    set->changes[set->change_count++] = (struct set_change){shared, policy};
}

static void publish_own(struct policy_set *set, struct policy_domain *domain, struct policy *policy)
{
    const struct policy *now = own_policy(domain);
    if (now != NULL && policy_equal(now, policy)) {
        policy_free(policy);
        return;
    }
    set_publish_tell(set, &(struct policy_set_event){
                              .subject = domain_subject(domain), .before = now, .after = policy});
    leave_shared(set, domain);
    policy_index_set_own(set->index, domain, policy);
}

static void publish_user(struct policy_set *set, struct policy_domain *domain,
                         struct set_shared *shared)
{
    if (shared->slot == NULL || domain->slot == shared->slot) {
        return;
    }
    set_publish_tell(set, &(struct policy_set_event){.subject = domain_subject(domain),
                                                     .shared = shared_subject(shared),
                                                     .before = own_policy(domain)});
    leave_shared(set, domain);
    shared->users++;
    if (shared->coming == NULL) {
        policy_index_set_shared(set->index, domain, shared->slot);
        return;
    }
    policy_index_set_own(set->index, domain, policy_copy(shared->coming));
    ARRAY_GROW(set->arrivals, set->arrival_count, set->arrival_capacity);
    set->arrivals[set->arrival_count++] = (struct set_arrival){domain, shared};
}

static void publish_domain(struct policy_set *set, struct offer_domain *offered)
{
    if (offered->shared != NULL) {
        publish_user(set, offered->domain, offered->shared);
    } else {
        publish_own(set, offered->domain, TAKE(offered->policy));
    }
}

/* DOMAIN belongs to nobody any more: listed once, however many offers had asked for it. */
static void doom(struct policy_set *set, struct policy_domain *domain)
{
    if (domain->owner == NULL) {
        domain->owner = set; /* no file: a mark */
        ARRAY_GROW(set->doomed, set->doomed_count, set->doomed_capacity);
        set->doomed[set->doomed_count++] = domain;
    }
}

/* Of a last good copy, domains whose shared policy is nowhere to be found cannot be served. */
static void let_go_unserved(struct policy_set *set, struct set_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        struct policy_domain *domain = file->domains[i].domain;
        if (domain->owner == file && domain->slot == NULL) {
            domain->owner = NULL;
            set->owned--;
            file->copy_is_old = true;
            diagnostics_add(&set->fresh, SEVERITY_ERROR, file->path, 0, 0,
                            "%s is not served: its last good version uses a shared policy that "
                            "is not defined any more",
                            domain->name);
            doom(set, domain);
        } else {
            file->domains[kept++] = file->domains[i];
        }
    }
    file->domain_count = kept;
}

static void publish_changes(struct policy_set *set)
{
    wait_for_lagging_readers(set);
    for (size_t i = 0; i < set->change_count; i++) {
        struct set_shared *shared = set->changes[i].shared;
        struct policy *policy = set->changes[i].policy;
        set_publish_tell(set, &(struct policy_set_event){.subject = shared_subject(shared),
                                                         .before = shared->slot->policy,
                                                         .after = policy});
        set_shared_publish(set, shared, policy);
        shared->coming = NULL;
    }
    for (size_t i = 0; i < set->arrival_count; i++) {
        policy_index_set_shared(set->index, set->arrivals[i].domain, set->arrivals[i].shared->slot);
    }
    set->change_count = 0;
    set->arrival_count = 0;
}

static void remove_doomed(struct policy_set *set)
{
    for (size_t i = 0; i < set->doomed_count; i++) {
        struct policy_domain *domain = set->doomed[i];
        if (domain->slot != NULL) {
            set_publish_tell(set, &(struct policy_set_event){.subject = domain_subject(domain),
                                                             .before = own_policy(domain),
                                                             .gone = true});
            set->result.removed++;
            leave_shared(set, domain);
        }
        policy_index_remove(set->index, domain);
    }
    set->doomed_count = 0;
}

static void lose(struct policy_set *set, struct set_file *file)
{
    if (!file->lost) {
        file->lost = true;
        set_files_add(&set->losers, file);
        set_files_touch(set, file);
    }
}

/* What an accepted file had and does not offer any more belongs to nobody, until somebody else
 * takes it. */
static void let_go(struct policy_set *set, struct set_file *file)
{
    for (size_t i = 0; i < file->domain_count; i++) {
        struct policy_domain *domain = file->domains[i].domain;
        if (domain->claimant != file) {
            domain->owner = NULL;
            set->owned--;
        }
    }
    for (size_t i = 0; i < file->shared_count; i++) {
        struct set_shared *shared = file->shared[i];
        if (shared->claimant != file) {
            shared->owner = NULL;
            set->shared_defined--;
            set_shared_touch(set, shared);
        }
    }
}

static void take(struct policy_set *set, struct set_file *file)
{
    struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->domain_count; i++) {
        struct policy_domain *domain = offer->domains[i].domain;
        struct set_file *owner = domain->owner;
        if (owner == NULL) {
            set->owned++;
        } else if (owner != file) {
            lose(set, owner); /* it is gone */
        }
        domain->owner = file;
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        struct set_shared *shared = offer->shared[i].shared;
        if (shared->owner == NULL) {
            set->shared_defined++;
        } else if (shared->owner != file) {
            lose(set, shared->owner);
        }
        shared->owner = file;
        shared->place = offer->shared[i].place;
        if (shared->last_path == NULL || strcmp(shared->last_path, file->path) != 0) {
            free(shared->last_path);
            shared->last_path = memory_string(file->path);
        }
        set_shared_touch(set, shared);
    }
}

static bool stands(const struct set_file *file)
{
    return file->accepted;
}

/* The marks of the round come off. What was asked for in vain and belongs to nobody goes again, as
 * does what was let go and nobody took. */
static void clean_up_claims(struct policy_set *set, struct set_file *file)
{
    for (size_t i = 0; i < file->offer->domain_count; i++) {
        struct policy_domain *domain = file->offer->domains[i].domain;
        if (domain == NULL) {
            continue;
        }
        domain->claimant = NULL;
        if (!stands(file)) {
            doom(set, domain);
            file->offer->domains[i].domain = NULL;
        }
    }
    for (size_t i = 0; i < file->offer->shared_count; i++) {
        file->offer->shared[i].shared->claimant = NULL;
    }
    for (size_t i = 0; i < file->domain_count && stands(file); i++) {
        doom(set, file->domains[i].domain);
    }
}

/* The offer becomes the applied version. */
static void settle_file(struct policy_set *set, struct set_file *file)
{
    struct set_offer *offer = TAKE(file->offer);
    for (size_t i = 0; i < file->shared_count; i++) {
        set_shared_unmention(set, file->shared[i]);
    }
    file->domains = memory_resize(file->domains, offer->domain_count, sizeof(*file->domains));
    file->domain_count = offer->domain_count;
    for (size_t i = 0; i < offer->domain_count; i++) {
        file->domains[i] = (struct set_domain){offer->domains[i].domain, offer->domains[i].place};
    }
    file->shared = memory_resize(file->shared, offer->shared_count, sizeof(*file->shared));
    file->shared_count = offer->shared_count;
    for (size_t i = 0; i < offer->shared_count; i++) {
        file->shared[i] = offer->shared[i].shared;
        file->shared[i]->mentions++;
    }
    policy_file_clear(&file->kept);
    file->kept = offer->file;
    offer->file = (struct policy_file){0};
    set_offer_free(set, offer);
    file->forgotten = file->gone;
}

/* What others took from FILE while it was gone is not its own any more. */
static void settle_loser(struct policy_set *set, struct set_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        if (file->domains[i].domain->owner == file) {
            file->domains[kept++] = file->domains[i];
        }
    }
    file->domain_count = kept;
    kept = 0;
    for (size_t i = 0; i < file->shared_count; i++) {
        if (file->shared[i]->owner == file) {
            file->shared[kept++] = file->shared[i];
        } else {
            set_shared_unmention(set, file->shared[i]);
        }
    }
    file->shared_count = kept;
    file->lost = false;
    file->copy_is_old = true;
    file->identity_known = false;
    file->forgotten = file->gone && file->domain_count == 0 && kept == 0;
}

static void settle_shared(struct policy_set *set)
{
    for (size_t i = 0; i < set->touched_shared_count; i++) {
        struct set_shared *shared = set->touched_shared[i];
        if (shared->owner == NULL && shared->users == 0 && shared->slot != NULL) {
            set_publish_tell(set, &(struct policy_set_event){.subject = shared_subject(shared),
                                                             .before = shared->slot->policy,
                                                             .gone = true});
            set_shared_withdraw(set, shared);
        }
    }
}

static void publish_all_shared(struct policy_set *set, struct set_offer *version)
{
    for (size_t i = 0; i < version->shared_count; i++) {
        publish_shared(set, &version->shared[i]);
    }
}

static void publish_all_domains(struct policy_set *set, const struct set_file *file,
                                struct set_offer *version)
{
    for (size_t i = 0; i < version->domain_count; i++) {
        struct policy_domain *domain = version->domains[i].domain;
        /* Of a last good copy, another file may have it by now. */
        if (domain != NULL && domain->owner == file) {
            publish_domain(set, &version->domains[i]);
        }
    }
}

static void publish_texts(struct policy_set *set)
{
    for (size_t i = 0; i < set->restored.count; i++) {
        if (!stands(set->restored.items[i])) {
            publish_all_shared(set, set->restored.items[i]->copy);
        }
    }
    for (size_t i = 0; i < set->round.count; i++) {
        if (stands(set->round.items[i])) {
            publish_all_shared(set, set->round.items[i]->offer);
        }
    }
    for (size_t i = 0; i < set->restored.count; i++) {
        if (!stands(set->restored.items[i])) {
            publish_all_domains(set, set->restored.items[i], set->restored.items[i]->copy);
        }
    }
    for (size_t i = 0; i < set->round.count; i++) {
        if (stands(set->round.items[i])) {
            publish_all_domains(set, set->round.items[i], set->round.items[i]->offer);
        }
    }
    publish_changes(set);
}

void set_publish(struct policy_set *set)
{
    struct set_files *round = &set->round;
    for (size_t i = 0; i < round->count; i++) {
        if (stands(round->items[i])) {
            let_go(set, round->items[i]);
        }
    }
    for (size_t i = 0; i < round->count; i++) {
        if (stands(round->items[i])) {
            take(set, round->items[i]);
        }
    }
    if (!set->keep_files) {
        publish_texts(set);
    }
    for (size_t i = 0; i < round->count; i++) {
        clean_up_claims(set, round->items[i]);
    }
    for (size_t i = 0; i < set->losers.count; i++) {
        settle_loser(set, set->losers.items[i]);
    }
    set->losers.count = 0;
    for (size_t i = 0; i < set->restored.count; i++) {
        if (!stands(set->restored.items[i])) {
            let_go_unserved(set, set->restored.items[i]);
        }
    }
    remove_doomed(set);
    for (size_t i = 0; i < round->count; i++) {
        set_files_touch(set, round->items[i]);
        if (stands(round->items[i])) {
            settle_file(set, round->items[i]);
        }
    }
    settle_shared(set);
}
