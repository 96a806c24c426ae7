/* Domains that wait for the first text of the provider whose policy they follow. */
#include "policies/live/policy_set_parts.h"

static void end_wait(struct policy_set *set, struct set_wait *wait)
{
    wait->shared->waiting--;
    set_shared_touch(set, wait->shared);
    set_shared_unmention(set, wait->shared);
}

void set_mirror_clear_waits(struct policy_set *set, struct set_file *file)
{
    for (size_t i = 0; i < file->wait_count; i++) {
        file->waits[i].shared->waiting--;
        set_shared_unmention(set, file->waits[i].shared);
    }
    free(file->waits);
    file->waits = NULL;
    file->wait_count = 0;
}

static bool has_to_wait(const struct offer_domain *offered, const struct set_file *file)
{
    return offered->domain != NULL && offered->domain->owner == file && offered->shared != NULL &&
           offered->shared->slot == NULL;
}

void set_mirror_note_waits(struct policy_set *set, struct set_file *file,
                           const struct set_offer *offer)
{
    size_t count = 0;
    for (size_t i = 0; i < offer->domain_count; i++) {
        count += has_to_wait(&offer->domains[i], file);
    }
    struct set_wait *waits = count != 0 ? memory_zero(count, sizeof(*waits)) : NULL;
    size_t n = 0;
    for (size_t i = 0; n < count; i++) {
        if (has_to_wait(&offer->domains[i], file)) {
            struct set_shared *shared = offer->domains[i].shared;
            waits[n++] = (struct set_wait){offer->domains[i].domain, shared};
            shared->mentions++;
            shared->waiting++;
            set_shared_touch(set, shared);
        }
    }
    set_mirror_clear_waits(set, file);
    file->waits = waits;
    file->wait_count = count;
    if (count != 0 && !file->waits_listed) {
        file->waits_listed = true;
        set_files_add(&set->waiting, file);
    }
}

void set_mirror_drop_lost_waits(struct policy_set *set, struct set_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->wait_count; i++) {
        if (file->waits[i].domain->owner == file) {
            file->waits[kept++] = file->waits[i];
        } else {
            end_wait(set, &file->waits[i]);
        }
    }
    file->wait_count = kept;
}

/* They are sorted by domain, as the offer was that they come from. */
const struct set_shared *set_mirror_wait_of(const struct set_file *file,
                                            const struct policy_domain *domain)
{
    struct bytes name = policy_domain_name(domain);
    size_t low = 0;
    size_t high = file->wait_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct policy_domain *other = file->waits[middle].domain;
        int order = bytes_compare((struct bytes){other->name, other->name_length}, name);
        if (order == 0) {
            return file->waits[middle].shared;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static void end_waits_of(struct policy_set *set, struct set_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->wait_count; i++) {
        struct set_wait *wait = &file->waits[i];
        if (wait->shared->slot == NULL) {
            file->waits[kept++] = *wait;
            continue;
        }
        set_publish_user(set, wait->domain, wait->shared);
        end_wait(set, wait);
        set_memory_note(set, file);
    }
    file->wait_count = kept;
}

void set_mirror_end_waits(struct policy_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->waiting.count; i++) {
        struct set_file *file = set->waiting.items[i];
        end_waits_of(set, file);
        file->waits_listed = file->wait_count != 0;
        if (file->waits_listed) {
            set->waiting.items[kept++] = file;
        }
    }
    set->waiting.count = kept;
    set_publish_changes(set);
}

/* --- For the loader --- */

struct putting {
    struct policy_set *set;
    struct bytes domain;
    bool followed;
};

static void put_one(struct set_shared *shared, void *context)
{
    struct putting *putting = context;
    struct error e;
    if (shared->owner == NULL || shared->mirror == NULL ||
        !bytes_equal(dns_name_bytes(&shared->mirror->domain), putting->domain)) {
        return; /* an orphan stays as it was */
    }
    putting->followed = true;
    set_shared_touch(putting->set, shared);
    set_memory_note(putting->set, shared->owner);
    set_publish_shared(putting->set, shared, set_mirror_render(putting->set, shared->mirror, &e));
}

void set_mirror_put(struct policy_set *set, struct bytes domain, struct policy *policy)
{
    struct putting putting = {set, domain, false};
    set_mirror_put_text(set, domain, policy);
    set_shared_each(set, put_one, &putting);
    if (!putting.followed) { /* since a moment ago */
        set_mirror_drop_text(set, domain);
    }
    set_publish_changes(set);
    set_mirror_end_waits(set);
    set_publish_withdrawals(set); /* of what domains have left */
}
