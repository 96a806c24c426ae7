/* Which of the offers of a round stand: what settlement.h has to be told of them, and what follows
 * from its verdicts. */
#include <string.h>

#include "policies/live/policy_set_parts.h"
#include "policies/live/settlement.h"

struct set_claims {
    struct set_files files; /* by number: those of the round first */
    struct settlement_file *judged;
    struct settlement_name *names;
    struct bytes *texts; /* the names themselves, a shared policy's without its "@" */
    size_t name_count;
    struct settlement_claim *claims;
    const struct policy **offered; /* the text of each claim, or NULL: as it seems before the
                                      round is decided */
    size_t offered_capacity;
    size_t claim_count;
    size_t claim_capacity;
    struct settlement_use *uses;
    size_t use_count;
    size_t use_capacity;
    struct settlement_verdict *verdicts;
};

static uint64_t number_of_text(const struct policy *policy)
{
    uint64_t number = 0;
    if (policy != NULL) {
        memcpy(&number, policy->digest, sizeof(number));
    }
    return number;
}

static size_t number_of_file(struct set_claims *claims, struct set_file *file)
{
    if (file == NULL) {
        return SETTLEMENT_NOBODY;
    }
    if (file->number >= claims->files.count || claims->files.items[file->number] != file) {
        file->number = claims->files.count;
        set_files_add(&claims->files, file);
    }
    return file->number;
}

/* --- Names --- */

/* What several files say of a domain, or another than its owner: CLAIMS stands as its claimant.
 * True: this is where that shows. */
static bool note_claim(struct set_claims *claims, struct policy_domain *domain,
                       struct set_file *file)
{
    bool known = domain->claimant == claims;
    bool contested = (domain->claimant != NULL && domain->claimant != file) ||
                     (domain->owner != NULL && domain->owner != file);
    domain->claimant = contested ? (void *)claims : file;
    return contested && !known;
}

/* How many domains are contested. */
static size_t note_claims(struct policy_set *set, struct set_claims *claims)
{
    size_t contested = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        struct set_offer *offer = set->round.items[i]->offer;
        for (size_t d = 0; d < offer->domain_count; d++) {
            struct offer_domain *offered = &offer->domains[d];
            offered->domain =
                policy_index_claim(set->index, (struct bytes){offered->name, offered->name_length});
            contested += note_claim(claims, offered->domain, set->round.items[i]);
        }
    }
    return contested;
}

/* How many mentions of shared policies there are. */
static size_t count_shared(const struct policy_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->round.count; i++) {
        const struct set_offer *offer = set->round.items[i]->offer;
        count += offer->shared_count + offer->use_count;
    }
    return count;
}

static size_t number_of_shared(struct set_claims *claims, struct set_shared *shared)
{
    if (shared->number == 0) {
        claims->texts[claims->name_count] = set_shared_name(shared);
        claims->names[claims->name_count] = (struct settlement_name){
            .owner = number_of_file(claims, shared->owner),
            .text = number_of_text(set_shared_served(shared)),
            .is_shared = true,
        };
        shared->number = ++claims->name_count;
    }
    return shared->number - 1;
}

/* The number of a domain that is contested; that is its claimant from now on. */
static size_t number_of_domain(struct set_claims *claims, struct policy_domain *domain)
{
    if (domain->claimant == claims) {
        claims->texts[claims->name_count] = policy_domain_name(domain);
        claims->names[claims->name_count] = (struct settlement_name){
            .owner = number_of_file(claims, domain->owner),
            .text = number_of_text(set_domain_text(domain)),
        };
        domain->claimant = &claims->names[claims->name_count++];
    }
    return (size_t)((struct settlement_name *)domain->claimant - claims->names);
}

/* --- Claims --- */

static void add_claim(struct set_claims *claims, const struct settlement_claim *claim,
                      const struct policy *offered)
{
    ARRAY_GROW(claims->offered, claims->claim_count, claims->offered_capacity);
    claims->offered[claims->claim_count] = offered;
    ARRAY_GROW(claims->claims, claims->claim_count, claims->claim_capacity);
    claims->claims[claims->claim_count++] = *claim;
}

static void add_shared(struct set_claims *claims, struct set_file *file)
{
    for (size_t i = 0; i < file->offer->shared_count; i++) {
        const struct offer_shared *offered = &file->offer->shared[i];
        const struct settlement_claim claim = {
            .file = file->number,
            .name = number_of_shared(claims, offered->shared),
            .text = number_of_text(offered->policy),
            .uses = SETTLEMENT_NOBODY,
        };
        add_claim(claims, &claim, offered->policy);
        offered->shared->claimant = file; /* so its own domains have their texts from it */
    }
    for (size_t i = 0; i < file->offer->use_count; i++) {
        ARRAY_GROW(claims->uses, claims->use_count, claims->use_capacity);
        claims->uses[claims->use_count++] = (struct settlement_use){
            file->number, number_of_shared(claims, file->offer->uses[i].shared)};
    }
}

static void add_domains(struct set_claims *claims, struct set_file *file)
{
    for (size_t i = 0; i < file->offer->domain_count; i++) {
        const struct offer_domain *offered = &file->offer->domains[i];
        if (offered->domain->claimant == file) {
            continue; /* as nearly always */
        }
        const struct settlement_claim claim = {
            .file = file->number,
            .name = number_of_domain(claims, offered->domain),
            .text = number_of_text(offered->policy),
            .uses = offered->shared != NULL ? number_of_shared(claims, offered->shared)
                                            : SETTLEMENT_NOBODY,
        };
        add_claim(claims, &claim, set_offer_text(offered));
    }
}

/* --- Texts that were served last --- */

static bool was_last(const struct policy_set *set, const struct set_claims *claims, size_t number)
{
    const struct policy *text = claims->offered[number];
    size_t name = claims->claims[number].name;
    struct bytes subject = claims->texts[name];
    if (claims->names[name].is_shared) { /* its "@" stands before it */
        subject = (struct bytes){subject.p - 1, subject.n + 1};
    }
    return text != NULL && set->options.was_last(subject, text->digest, set->options.context);
}

/* The history is asked only of names that nobody gives and several claim: a start without a memory.
 */
static void note_served_last(const struct policy_set *set, struct set_claims *claims)
{
    CLEANUP_FREE size_t *claimed = memory_zero(claims->name_count, sizeof(*claimed));
    for (size_t i = 0; i < claims->claim_count; i++) {
        claimed[claims->claims[i].name]++;
    }
    for (size_t i = 0; i < claims->claim_count && set->options.was_last != NULL; i++) {
        struct settlement_claim *claim = &claims->claims[i];
        const struct settlement_name *name = &claims->names[claim->name];
        claim->served_last = name->owner == SETTLEMENT_NOBODY && name->text == 0 &&
                             claimed[claim->name] > 1 && was_last(set, claims, i);
    }
}

struct set_claims *set_claims_new(struct policy_set *set)
{
    struct set_claims *claims = memory_zero(1, sizeof(*claims));
    size_t names = note_claims(set, claims) + count_shared(set);
    claims->names = memory_alloc(names * sizeof(*claims->names));
    claims->texts = memory_alloc(names * sizeof(*claims->texts));
    for (size_t i = 0; i < set->round.count; i++) {
        (void)number_of_file(claims, set->round.items[i]);
    }
    for (size_t i = 0; i < set->round.count; i++) {
        add_shared(claims, set->round.items[i]);
        add_domains(claims, set->round.items[i]);
    }
    for (size_t i = 0; i < set->round.count; i++) {
        const struct set_offer *offer = set->round.items[i]->offer;
        for (size_t n = 0; n < offer->shared_count; n++) {
            offer->shared[n].shared->number = 0;
        }
        for (size_t n = 0; n < offer->use_count; n++) {
            offer->uses[n].shared->number = 0;
        }
    }
    note_served_last(set, claims);
    claims->judged = memory_zero(claims->files.count, sizeof(*claims->judged));
    claims->verdicts = memory_zero(claims->files.count, sizeof(*claims->verdicts));
    return claims;
}

void set_claims_free(struct set_claims *claims)
{
    free(claims->files.items);
    free(claims->judged);
    free(claims->names);
    free(claims->texts);
    free(claims->claims);
    free(claims->offered);
    free(claims->uses);
    free(claims->verdicts);
    free(claims);
}

/* --- What follows --- */

static void note_refused(struct set_claims *claims, struct set_file *file)
{
    const struct settlement_verdict *verdict = &claims->verdicts[file->number];
    bool by_nobody = verdict->blocker == SETTLEMENT_NOBODY;
    free(file->blocked_over);
    file->blocked_over = memory_string_of(claims->texts[verdict->name]);
    file->blocked_by = by_nobody ? NULL : claims->files.items[verdict->blocker];
}

static void note_verdict(struct policy_set *set, struct set_claims *claims, struct set_file *file)
{
    bool stands = claims->verdicts[file->number].reason == SETTLEMENT_STANDS;
    if (stands && file->state == FILE_REFUSED) {
        set_event(set, file, EVENT_ROUND);
    } else if (!stands && file->state == FILE_OFFERED) {
        set_event(set, file, EVENT_REFUSED);
    }
    if (file->state == FILE_REFUSED) {
        note_refused(claims, file);
    }
}

static void mark_claims(const struct set_file *file, struct set_file *claimant)
{
    for (size_t i = 0; i < file->offer->domain_count; i++) {
        file->offer->domains[i].domain->claimant = claimant;
    }
    for (size_t i = 0; i < file->offer->shared_count; i++) {
        file->offer->shared[i].shared->claimant = claimant;
    }
}

void set_claims_settle(struct policy_set *set, struct set_claims *claims)
{
    for (size_t i = 0; i < claims->files.count; i++) {
        const struct set_file *file = claims->files.items[i];
        claims->judged[i] = (struct settlement_file){
            .offers = file->in_round,
            .waits = file->state != FILE_OFFERED && file->state != FILE_REFUSED,
            .is_gone = set_file_is_gone(file),
            .is_away = set_file_is_away(set, file) && !set_accepts(set, file),
            .is_accepted = set_accepts(set, file),
        };
    }
    const struct settlement_round round = {
        claims->judged, claims->files.count, claims->names, claims->name_count,
        claims->claims, claims->claim_count, claims->uses,  claims->use_count,
    };
    bool all = settlement_decide(&round, claims->verdicts);
    for (size_t i = 0; i < set->round.count; i++) {
        note_verdict(set, claims, set->round.items[i]);
        set->again = set->again || (!all && set_file_stands(set->round.items[i]));
        if (!set_file_stands(set->round.items[i])) {
            mark_claims(set->round.items[i], NULL);
        }
    }
    for (size_t i = 0; i < set->round.count; i++) {
        if (set_file_stands(set->round.items[i])) {
            mark_claims(set->round.items[i], set->round.items[i]);
        }
    }
}
