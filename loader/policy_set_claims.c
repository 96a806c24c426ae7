/* Which of the offered versions can stand together.
 *
 * All offers are assumed to stand; one that cannot is refused, its file keeps what it has applied,
 * and whatever stood on its leaving something falls with it. Refusing only ever refuses more, so
 * this ends, and each file is refused at most once: the cost is that of the offers and of the
 * versions they would replace. What was refused for the sake of an offer that fell later is then
 * tried again.
 *
 * Within one set of changes a domain goes to the file that has it already, then to the first in
 * byte order of the paths. */
#include "loader/policy_set_parts.h"

/* A chain of files of which each waits for the next takes a pass for each link. */
enum { PASSES_MAX = 16 };

static struct bytes domain_name(const struct offer_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
}

/* Whether OWNER keeps what its applied version holds (what its offer holds is claimed as any
 * other offer's). */
static bool keeps(const struct policy_set *set, const struct set_file *owner)
{
    return owner != NULL && !set_file_is_gone(set, owner) && !set_file_stands(owner);
}

/* A shared policy's name stays defined while its owner is merely gone, unlike a domain that is to
 * be taken: somebody may use it. */
static bool shared_exists(const struct set_shared *shared)
{
    return set_file_stands(shared->claimant) ||
           (shared->owner != NULL && !set_file_stands(shared->owner)) || shared->users != 0 ||
           set_shared_is_orphan(shared);
}

static void refuse(struct policy_set *set, struct set_file *file, struct set_file *blocker,
                   bool by_claim, struct bytes over)
{
    file->accepted = false;
    file->blocked_by = blocker;
    file->blocked_by_claim = by_claim;
    file->blocked_over = over;
    set_files_add(&set->queue, file);
}

/* FILE keeps what it has applied: offers that claimed some of it fall. */
static void take_back(struct policy_set *set, struct set_file *file)
{
    if (set_file_is_gone(set, file)) {
        return;
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        struct policy_domain *domain = file->domains[i].domain;
        struct set_file *claimant = domain->claimant;
        if (claimant != file && set_file_stands(claimant)) {
            refuse(set, claimant, file, false, (struct bytes){domain->name, domain->name_length});
        }
    }
    for (size_t i = 0; i < file->shared_count; i++) {
        struct set_shared *shared = file->shared[i];
        if (shared->claimant != file && set_file_stands(shared->claimant)) {
            refuse(set, shared->claimant, file, false, set_shared_name(shared));
        }
    }
}

static void take_back_queued(struct policy_set *set)
{
    while (set->queue.count != 0) {
        take_back(set, set->queue.items[--set->queue.count]);
    }
}

void set_claims_refuse(struct policy_set *set, struct set_file *file, struct set_file *blocker,
                       bool by_claim, struct bytes over)
{
    refuse(set, file, blocker, by_claim, over);
    take_back_queued(set);
}

/* Takes the marks of a pass before off. */
static void unclaim(const struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->domain_count; i++) {
        struct policy_domain *domain = offer->domains[i].domain;
        if (domain != NULL && domain->claimant == file) {
            domain->claimant = NULL;
        }
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        if (offer->shared[i].shared->claimant == file) {
            offer->shared[i].shared->claimant = NULL;
        }
    }
}

/* What FILE has applied and offers again is its own before anybody else asks. */
static void claim_own(struct policy_set *set, struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->domain_count; i++) {
        struct offer_domain *domain = &offer->domains[i];
        if (domain->domain == NULL) {
            domain->domain = policy_index_claim(set->index, domain_name(domain));
        }
        if (domain->domain->owner == file && !set_file_stands(domain->domain->claimant)) {
            domain->domain->claimant = file;
        }
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        struct set_shared *shared = offer->shared[i].shared;
        if (shared->owner == file && !set_file_stands(shared->claimant)) {
            shared->claimant = file;
        }
    }
}

/* Whether FILE may have what has this OWNER and this CLAIMANT; else it is refused. */
static bool claim(struct policy_set *set, struct set_file *file, struct set_file *owner,
                  struct set_file *claimant, struct bytes name)
{
    if (claimant != file && set_file_stands(claimant)) {
        refuse(set, file, claimant, true, name);
        return false;
    }
    if (owner != file && keeps(set, owner)) {
        refuse(set, file, owner, false, name);
        return false;
    }
    return true;
}

static void claim_others(struct policy_set *set, struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->shared_count; i++) {
        struct set_shared *shared = offer->shared[i].shared;
        if (!claim(set, file, shared->owner, shared->claimant, set_shared_name(shared))) {
            return;
        }
        shared->claimant = file;
    }
    for (size_t i = 0; i < offer->domain_count; i++) {
        struct policy_domain *domain = offer->domains[i].domain;
        if (!claim(set, file, domain->owner, domain->claimant, domain_name(&offer->domains[i]))) {
            return;
        }
        domain->claimant = file;
    }
}

/* The first shared policy that FILE's offer uses and that does not exist, or NULL. */
static const struct set_shared *find_missing(const struct set_file *file)
{
    for (size_t i = 0; i < file->offer->use_count; i++) {
        if (!shared_exists(file->offer->uses[i].shared)) {
            return file->offer->uses[i].shared;
        }
    }
    return NULL;
}

/* Refuses offers that use a shared policy that does not exist. True: there were some, which may
 * have defined what others use. */
static bool check_uses(struct policy_set *set)
{
    bool refused = false;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        const struct set_shared *missing = file->accepted ? find_missing(file) : NULL;
        if (missing != NULL) {
            set_claims_refuse(set, file, NULL, false, set_shared_name(missing));
            refused = true;
        }
    }
    return refused;
}

/* All of TRYING are assumed to stand, then those that cannot are refused. */
static void try_all(struct policy_set *set, const struct set_files *trying)
{
    for (size_t i = 0; i < trying->count; i++) {
        trying->items[i]->accepted = true;
        trying->items[i]->blocked_by = NULL;
        trying->items[i]->blocked_by_claim = false;
        unclaim(trying->items[i]);
    }
    for (size_t i = 0; i < trying->count; i++) {
        claim_own(set, trying->items[i]);
    }
    for (size_t i = 0; i < trying->count; i++) {
        if (trying->items[i]->accepted) {
            claim_others(set, trying->items[i]);
            take_back_queued(set);
        }
    }
    while (check_uses(set)) {
    }
}

/* Those that were refused and neither held nor postponed; and whether one of them was refused for
 * the sake of an offer that fell itself. */
static bool list_refused(const struct policy_set *set, struct set_files *ret_refused)
{
    bool in_vain = false;
    ret_refused->count = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        if (!file->accepted && !file->held && !file->postponed) {
            set_files_add(ret_refused, file);
            in_vain = in_vain || (file->blocked_by_claim && !set_file_stands(file->blocked_by));
        }
    }
    return in_vain;
}

static bool any_stands(const struct set_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i]->accepted) {
            return true;
        }
    }
    return false;
}

void set_claims_settle(struct policy_set *set)
{
    struct set_files trying = {0};
    bool more = list_refused(set, &trying);
    if (!set->settled_once) {
        set->settled_once = true;
        try_all(set, &trying);
        more = list_refused(set, &trying);
    }
    for (int passes = 0; more && trying.count != 0; passes++) {
        if (passes == PASSES_MAX) {
            set->again = true;
            break;
        }
        try_all(set, &trying);
        more = any_stands(&trying);
        (void)list_refused(set, &trying);
    }
    free(trying.items);
}
