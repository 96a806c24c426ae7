/* Which of the offered versions can stand together.
 *
 * All offers are assumed to stand; one that cannot is refused, its file keeps what it has applied,
 * and whatever stood on its leaving something falls with it. Refusing only ever refuses more, so
 * this ends, and each file is refused at most once: the cost is that of the offers and of the
 * versions they would replace. What was refused for the sake of an offer that fell later is then
 * tried again.
 *
 * To whom a name goes is policies/model/ownership.h's to say; here is what it is asked about. */
#include "policies/live/policy_set_parts.h"
#include "policies/model/ownership.h"

/* A chain of files of which each waits for the next takes a pass for each link. */
enum { PASSES_MAX = 16 };

static struct bytes domain_name(const struct policy_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
}

/* What is to be known of a name that an offer has. */
struct wanted {
    struct bytes name; /* of a shared policy without its "@" */
    const struct set_file *owner;
    struct set_file *claimant;
    const struct policy *stands;       /* the text that does, or NULL */
    const struct offer_domain *domain; /* of the offer; one of the two */
    const struct offer_shared *shared;
};

static struct wanted wanted_shared(const struct offer_shared *offered)
{
    const struct set_shared *shared = offered->shared;
    return (struct wanted){
        .name = set_shared_name(shared),
        .owner = shared->owner,
        .claimant = shared->claimant,
        .stands = shared->slot != NULL ? shared->slot->policy : shared->former,
        .shared = offered,
    };
}

static struct wanted wanted_domain(const struct offer_domain *offered)
{
    const struct policy_domain *domain = offered->domain;
    return (struct wanted){
        .name = domain_name(domain),
        .owner = domain->owner,
        .claimant = domain->claimant,
        .stands = set_domain_text(domain),
        .domain = offered,
    };
}

static enum owner_state owner_state_of(const struct policy_set *set, const struct wanted *wanted)
{
    const struct set_file *owner = wanted->owner;
    if (owner == NULL) {
        bool is_orphan = wanted->shared != NULL && set_shared_is_orphan(wanted->shared->shared);
        return is_orphan ? OWNER_LETS_GO : OWNER_NONE;
    }
    bool is_away = set_file_is_away(set, owner) && !set_accepts(set, owner);
    if (is_away && (set_file_is_gone(owner) || !set_file_stands(owner))) {
        return OWNER_AWAY;
    }
    if (set_file_stands(owner)) {
        return wanted->claimant == owner ? OWNER_CLAIMS : OWNER_LETS_GO;
    }
    return set_file_is_gone(owner) ? OWNER_LETS_GO : OWNER_CLAIMS;
}

/* A shared policy's name stays defined while its owner is merely gone, unlike a domain that is to
 * be taken: somebody may use it. */
static bool shared_exists(const struct set_shared *shared)
{
    return set_file_stands(shared->claimant) ||
           (shared->owner != NULL && !set_file_stands(shared->owner)) || shared->users != 0 ||
           set_shared_is_orphan(shared) || shared->former != NULL;
}

static void take_out(struct policy_set *set, struct set_file *file, enum file_event event)
{
    set_event(set, file, event);
    set_files_add(&set->queue, file);
}

static void refuse(struct policy_set *set, struct set_file *file, struct set_file *blocker,
                   bool by_claim, struct bytes over)
{
    file->blocked_by = blocker;
    file->blocked_by_claim = by_claim;
    file->blocked_over = over;
    take_out(set, file, EVENT_REFUSED);
}

/* FILE keeps what it has applied: offers that claimed some of it fall. */
static void take_back(struct policy_set *set, struct set_file *file)
{
    if (set_file_is_gone(file)) {
        return;
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        struct policy_domain *domain = file->domains[i].domain;
        struct set_file *claimant = domain->claimant;
        if (claimant != file && set_file_stands(claimant)) {
            refuse(set, claimant, file, false, domain_name(domain));
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

void set_claims_take_out(struct policy_set *set, struct set_file *file, enum file_event event)
{
    file->blocked_by = NULL;
    file->blocked_by_claim = false;
    take_out(set, file, event);
    take_back_queued(set);
}

/* Takes the marks of a pass before off. */
static void unclaim(const struct policy_set *set, const struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->domain_count; i++) {
        struct policy_domain *domain = offer->domains[i].domain;
        if (domain != NULL && (domain->claimant == file || domain->claimant == &set->disputed)) {
            domain->claimant = NULL;
        }
    }
    for (size_t i = 0; i < offer->shared_count; i++) {
        struct set_shared *shared = offer->shared[i].shared;
        if (shared->claimant == file || shared->claimant == &set->disputed) {
            shared->claimant = NULL;
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
            domain->domain =
                policy_index_claim(set->index, (struct bytes){domain->name, domain->name_length});
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

static bool was_last(const struct policy_set *set, const struct wanted *wanted,
                     const struct policy *text)
{
    const struct policy_set_options *options = &set->options;
    if (options->was_last == NULL || text == NULL || wanted->shared != NULL) {
        return false;
    }
    return options->was_last(wanted->name, text->digest, options->context);
}

/* FILE's claim, for the rule: the texts are asked for only where it may look at them. */
static struct name_claim claim_of(const struct policy_set *set, const struct set_file *file,
                                  const struct wanted *wanted)
{
    const struct policy *text = NULL;
    if (wanted->domain != NULL) {
        const struct offer_domain *offered = set_offer_find_domain(file->offer, wanted->name);
        text = offered != NULL ? set_offer_text(offered) : NULL;
    } else {
        const struct offer_shared *offered =
            set_offer_find_shared(file->offer, wanted->shared->shared);
        text = offered != NULL ? offered->policy : NULL;
    }
    return (struct name_claim){
        .text_that_stands =
            text != NULL && wanted->stands != NULL && policy_equal(text, wanted->stands),
        .served_last = wanted->owner == NULL && was_last(set, wanted, text),
    };
}

/* A name that FILE and a RIVAL claim, or that only the text that stands may claim. Whoever does not
 * get it is refused. Returns who has it now. */
static struct set_file *decide(struct policy_set *set, struct set_file *file,
                               const struct wanted *wanted, enum owner_state owner)
{
    struct set_file *rival = set_file_stands(wanted->claimant) ? wanted->claimant : NULL;
    bool disputed = wanted->claimant == &set->disputed;
    struct set_file *files[2] = {rival != NULL ? rival : file, file};
    size_t count = rival != NULL ? 2 : 1;
    struct name_claim claims[2];
    for (size_t i = 0; i < count; i++) {
        claims[i] = claim_of(set, files[i], wanted);
    }
    if (disputed) { /* among others, which were refused over it */
        claims[1] = (struct name_claim){0};
        count = 2;
    }
    size_t winner = 0;
    enum ownership verdict = ownership_decide(owner, claims, count, &winner);
    if (verdict == OWNERSHIP_MOVES && rival == NULL) {
        return file;
    }
    if (verdict == OWNERSHIP_MOVES) {
        refuse(set, files[1 - winner], files[winner], true, wanted->name);
        return files[winner];
    }
    struct set_file *in_the_way =
        verdict == OWNERSHIP_STAYS ? (struct set_file *)wanted->owner : rival;
    refuse(set, file, in_the_way, false, wanted->name);
    if (rival != NULL) {
        refuse(set, rival, verdict == OWNERSHIP_STAYS ? in_the_way : file, false, wanted->name);
    }
    return verdict == OWNERSHIP_DISPUTED ? &set->disputed : NULL;
}

/* Who claims what is WANTED now: FILE, unless it is refused over it. */
static struct set_file *claim(struct policy_set *set, struct set_file *file,
                              const struct wanted *wanted)
{
    enum owner_state owner = owner_state_of(set, wanted);
    if (wanted->claimant == file) {
        return file;
    }
    if (owner == OWNER_CLAIMS) {
        bool by_claim = set_file_stands(wanted->owner);
        refuse(set, file, (struct set_file *)wanted->owner, by_claim, wanted->name);
        return wanted->claimant;
    }
    bool alone = wanted->claimant != &set->disputed && !set_file_stands(wanted->claimant);
    return alone && owner != OWNER_AWAY ? file : decide(set, file, wanted, owner);
}

/* Whether what is WANTED stays with another file than FILE, which is refused then. */
static bool is_taken(struct policy_set *set, struct set_file *file, const struct wanted *wanted)
{
    bool taken = wanted->owner != NULL && wanted->owner != file && wanted->claimant != file &&
                 owner_state_of(set, wanted) == OWNER_CLAIMS;
    if (taken) {
        (void)claim(set, file, wanted);
    }
    return taken;
}

/* Refuses FILE where it claims what stays with another: so it is no party where it is disputed who
 * is to have something else. */
static bool refuse_vain(struct policy_set *set, struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    bool refused = false;
    for (size_t i = 0; i < offer->shared_count && !refused; i++) {
        const struct wanted wanted = wanted_shared(&offer->shared[i]);
        refused = is_taken(set, file, &wanted);
    }
    for (size_t i = 0; i < offer->domain_count && !refused; i++) {
        if (offer->domains[i].domain->owner != NULL && offer->domains[i].domain->owner != file) {
            const struct wanted wanted = wanted_domain(&offer->domains[i]);
            refused = is_taken(set, file, &wanted);
        }
    }
    return refused;
}

/* Who is refused keeps what others may have come for. */
static void refuse_all_vain(struct policy_set *set, const struct set_files *trying)
{
    bool more = true;
    for (int passes = 0; more && passes < PASSES_MAX; passes++) {
        more = false;
        for (size_t i = 0; i < trying->count; i++) {
            struct set_file *file = trying->items[i];
            more = (set_file_stands(file) && refuse_vain(set, file)) || more;
        }
        take_back_queued(set);
    }
}

static void claim_others(struct policy_set *set, struct set_file *file)
{
    const struct set_offer *offer = file->offer;
    for (size_t i = 0; i < offer->shared_count && set_file_stands(file); i++) {
        struct set_shared *shared = offer->shared[i].shared;
        const struct wanted wanted = wanted_shared(&offer->shared[i]);
        shared->claimant = claim(set, file, &wanted);
    }
    for (size_t i = 0; i < offer->domain_count && set_file_stands(file); i++) {
        struct policy_domain *domain = offer->domains[i].domain;
        if (domain->claimant == file) {
            continue; /* as nearly always */
        }
        const struct wanted wanted = wanted_domain(&offer->domains[i]);
        domain->claimant = claim(set, file, &wanted);
    }
}

/* What another file would let go although FILE has it, which cannot stand: a domain that two files
 * say differently, or one whose file is gone. Empty: nothing from *CURSOR on. What is away is for
 * the guard, unless that may go. */
static struct bytes find_missed(const struct policy_set *set, const struct set_file *file,
                                size_t *cursor, struct set_file **ret_losing)
{
    while (*cursor < file->offer->domain_count) {
        size_t i = (*cursor)++;
        struct policy_domain *domain = file->offer->domains[i].domain;
        struct set_file *owner = domain != NULL ? domain->owner : NULL;
        bool disputed = domain != NULL && domain->claimant == &set->disputed;
        if (owner != NULL && owner != file && set_file_stands(owner) &&
            !set_file_stands(domain->claimant) && (disputed || owner->offer->absent) &&
            (!set_file_is_away(set, owner) || set_accepts(set, owner))) {
            *ret_losing = owner;
            return domain_name(domain);
        }
    }
    return BYTES("");
}

/* Refuses offers that would leave a domain of FILE's to nobody, which has it in vain. True: there
 * were some. */
static bool refuse_losing(struct policy_set *set, struct set_file *file)
{
    struct set_file *losing = NULL;
    bool refused = false;
    size_t cursor = 0;
    for (struct bytes name = find_missed(set, file, &cursor, &losing); name.n != 0;
         name = find_missed(set, file, &cursor, &losing)) {
        refuse(set, losing, file, false, name);
        take_back_queued(set);
        refused = true;
    }
    return refused;
}

static bool check_missed(struct policy_set *set)
{
    bool refused = false;
    for (size_t i = 0; i < set->work.count; i++) {
        struct set_file *file = set->work.items[i];
        if (file->offer != NULL && !set_file_stands(file)) {
            refused = refuse_losing(set, file) || refused;
        }
    }
    return refused;
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
        const struct set_shared *missing = set_file_stands(file) ? find_missing(file) : NULL;
        if (missing != NULL) {
            refuse(set, file, NULL, false, set_shared_name(missing));
            take_back_queued(set);
            refused = true;
        }
    }
    return refused;
}

/* All of TRYING are assumed to stand, then those that cannot are refused. */
static void try_all(struct policy_set *set, const struct set_files *trying)
{
    for (size_t i = 0; i < trying->count; i++) {
        struct set_file *file = trying->items[i];
        file->blocked_by = NULL;
        file->blocked_by_claim = false;
        set_event(set, file, EVENT_ROUND);
        unclaim(set, file);
    }
    for (size_t i = 0; i < trying->count; i++) {
        claim_own(set, trying->items[i]);
    }
    refuse_all_vain(set, trying);
    for (size_t i = 0; i < trying->count; i++) {
        if (set_file_stands(trying->items[i])) {
            claim_others(set, trying->items[i]);
            take_back_queued(set);
        }
    }
    while (check_uses(set) || check_missed(set)) {
    }
}

/* Whether what FILE was refused for may have changed: not where a file is in the way that has the
 * name and stands, or is not judged in this round at all, nor where a shared policy is missing
 * still. */
static bool may_stand_now(const struct set_file *file)
{
    const struct set_file *blocker = file->blocked_by;
    if (blocker == NULL) {
        return find_missing(file) == NULL;
    }
    return blocker->in_round && !(file->blocked_by_claim && set_file_stands(blocker));
}

/* Those to be tried; and whether one of them was refused for the sake of an offer that fell itself.
 */
static bool list_refused(const struct policy_set *set, struct set_files *ret_refused)
{
    bool in_vain = false;
    ret_refused->count = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_file *file = set->round.items[i];
        bool first = !set->settled_once && file->state == FILE_OFFERED;
        if (first || (file->state == FILE_REFUSED && may_stand_now(file))) {
            set_files_add(ret_refused, file);
            in_vain = in_vain || (file->blocked_by_claim && !set_file_stands(file->blocked_by));
        }
    }
    return in_vain;
}

static bool any_stands(const struct set_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (set_file_stands(files->items[i])) {
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
