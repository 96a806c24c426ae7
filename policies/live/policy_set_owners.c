/* Offers that stand become the applied versions: what belongs to whom. */
#include <stdlib.h>

#include "policies/live/policy_set_parts.h"

/* DOMAIN belongs to nobody any more: listed once, however many offers had asked for it. */
static void doom(struct policy_set *set, struct policy_domain *domain)
{
    if (domain->owner != NULL) {
        return;
    }
    domain->owner = set; /* no file: a mark */
    ARRAY_GROW(set->publication.doomed, set->publication.doomed_count,
               set->publication.doomed_capacity);
    set->publication.doomed[set->publication.doomed_count++] = domain;
}

/* Of a remembered version, domains whose shared policy is nowhere to be found cannot be served. */
static void let_go_unserved(struct policy_set *set, struct set_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        struct policy_domain *domain = file->domains[i].domain;
        if (domain->owner == file && domain->slot == NULL &&
            set_mirror_wait_of(file, domain) == NULL) {
            domain->owner = NULL;
            set->owned--;
            set_memory_note(set, file);
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
            set_mirror_adopt(set, shared, NULL);
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
        set_mirror_adopt(set, shared, offer->shared[i].mirror);
        if (shared->last_path == NULL || strcmp(shared->last_path, file->path) != 0) {
            free(shared->last_path);
            shared->last_path = memory_string(file->path);
        }
        set_shared_touch(set, shared);
    }
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
        if (!set_file_stands(file)) {
            doom(set, domain);
            file->offer->domains[i].domain = NULL;
        }
    }
    for (size_t i = 0; i < file->offer->shared_count; i++) {
        file->offer->shared[i].shared->claimant = NULL;
    }
    for (size_t i = 0; i < file->domain_count && set_file_stands(file); i++) {
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
    set_mirror_note_waits(set, file, offer);
    bool absent = offer->absent;
    set_offer_free(set, offer);
    file->applied = file->text;
    file->whole = file->text;
    set_event(set, file, EVENT_STANDS);
    if (absent) {
        set_event(set, file, EVENT_GOES_EMPTY);
    } else {
        set_memory_note(set, file);
    }
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
    set_mirror_drop_lost_waits(set, file);
    file->lost = false;
    file->text_known = false;
    set_memory_note(set, file);
    if (set_file_is_gone(file) && file->domain_count == 0 && kept == 0) {
        set_scan_drop_offer(set, file);
        set_event(set, file, EVENT_GOES_EMPTY);
    }
}

void set_apply_settled(struct policy_set *set)
{
    struct set_files *round = &set->round;
    for (size_t i = 0; i < round->count; i++) {
        if (set_file_stands(round->items[i])) {
            let_go(set, round->items[i]);
        }
    }
    for (size_t i = 0; i < round->count; i++) {
        if (set_file_stands(round->items[i])) {
            take(set, round->items[i]);
        }
    }
    set_publish_texts(set);
    for (size_t i = 0; i < round->count; i++) {
        clean_up_claims(set, round->items[i]);
    }
    for (size_t i = 0; i < set->losers.count; i++) {
        settle_loser(set, set->losers.items[i]);
    }
    set->losers.count = 0;
    for (size_t i = 0; i < set->files.count && set->starting; i++) {
        struct set_file *file = set->files.items[i];
        if (file->restored != NULL && !set_file_stands(file)) {
            set_mirror_note_waits(set, file, file->restored);
            let_go_unserved(set, file);
        }
    }
    set_publish_removals(set);
    for (size_t i = 0; i < round->count; i++) {
        struct set_file *file = round->items[i];
        file->postponed_ms = file->state == FILE_POSTPONED ? file->postponed_ms : 0;
        if (set_file_stands(file)) {
            settle_file(set, file);
        }
    }
    set_mirror_end_waits(set);
    set_publish_withdrawals(set);
}
