/* Shared policies that follow a provider's own (policies/model/policy_mirror.h): the upstreams'
 * texts, and domains that wait for the first one. */
#include <search.h>

#include "lib/base/clock.h"
#include "policies/files/mirror_copy.h"
#include "policies/live/policy_set_parts.h"

/* --- The texts --- */

struct upstream {
    struct policy *policy; /* as the provider has it */
    size_t length;
    const char *name; /* `text`, or of what is looked for */
    char text[];
};

static int by_name(const void *left, const void *right)
{
    const struct upstream *a = left;
    const struct upstream *b = right;
    return bytes_compare((struct bytes){a->name, a->length}, (struct bytes){b->name, b->length});
}

static struct upstream *find_upstream(const struct policy_set *set, struct bytes domain)
{
    const struct upstream wanted = {.name = domain.p, .length = domain.n};
    struct upstream **found = tfind(&wanted, &set->upstreams, by_name);
    return found != NULL ? *found : NULL;
}

/* Takes POLICY. */
static struct upstream *put_upstream(struct policy_set *set, struct bytes domain,
                                     struct policy *policy)
{
    struct upstream *upstream = find_upstream(set, domain);
    if (upstream == NULL) {
        upstream = memory_zero(1, sizeof(*upstream) + domain.n + 1);
        upstream->length = domain.n;
        upstream->name = upstream->text;
        memcpy(upstream->text, domain.p, domain.n);
        if (tsearch(upstream, &set->upstreams, by_name) == NULL) {
            abort(); /* out of memory */
        }
    }
    policy_free(upstream->policy);
    upstream->policy = policy;
    return upstream;
}

static void free_upstream(void *node)
{
    struct upstream *upstream = node;
    policy_free(upstream->policy);
    free(upstream);
}

static void drop_upstream(struct policy_set *set, struct upstream *upstream)
{
    tdelete(upstream, &set->upstreams, by_name);
    free_upstream(upstream);
}

/* What was served counts however old it is, so a start takes every copy. One that has outlived its
 * promise and is come upon later is of a mirror that nobody followed any more: it is not to come
 * back as if it were new. */
static bool read_copy(const struct policy_set *set, struct bytes domain,
                      struct mirror_copy *ret_copy, struct error *e)
{
    if (set->options.mirror_copies == NULL ||
        !mirror_copy_read(set->options.mirror_copies, domain, ret_copy, e)) {
        return false;
    }
    if (set->starting || !mirror_copy_is_over(ret_copy, clock_wall_s())) {
        return true;
    }
    mirror_copy_clear(ret_copy);
    mirror_copy_remove(set->options.mirror_copies, domain);
    return error_set(e, ERROR_NOT_FOUND, "the copy of it was too old");
}

struct policy *set_mirror_render(struct policy_set *set, const struct policy_mirror *mirror,
                                 struct error *e)
{
    struct bytes domain = dns_name_bytes(&mirror->domain);
    const struct upstream *upstream = find_upstream(set, domain);
    struct mirror_copy copy = {0};
    if (upstream == NULL) {
        if (!read_copy(set, domain, &copy, e)) {
            return NULL;
        }
        upstream = put_upstream(set, domain, copy.policy);
    }
    return policy_mirror_render(mirror, upstream->policy);
}

void set_mirror_adopt(struct policy_set *set, struct set_shared *shared,
                      const struct policy_mirror *mirror)
{
    if (mirror == NULL ? shared->mirror == NULL
                       : shared->mirror != NULL && policy_mirror_equal(shared->mirror, mirror)) {
        return;
    }
    set->mirrors_changed = true;
    free(shared->mirror);
    shared->mirror = NULL;
    if (mirror != NULL) {
        shared->mirror = memory_alloc(sizeof(*mirror));
        *shared->mirror = *mirror;
    }
}

bool set_mirror_keeps_text(struct policy_set *set, const struct set_shared *shared)
{
    struct error e;
    if (shared->slot == NULL || shared->mirror == NULL) {
        return false;
    }
    struct policy *policy = set_mirror_render(set, shared->mirror, &e);
    bool known = policy != NULL;
    policy_free(policy);
    return !known;
}

bool set_mirror_keeps_former(struct policy_set *set, const struct set_file *file)
{
    for (size_t i = 0; i < file->wait_count; i++) {
        if (file->waits[i].domain->slot != NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < file->shared_count; i++) {
        if (set_mirror_keeps_text(set, file->shared[i])) {
            return true;
        }
    }
    return false;
}

/* --- Waits --- */

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
    struct bytes name = {domain->name, domain->name_length};
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
    struct upstream *upstream = put_upstream(set, domain, policy);
    set_shared_each(set, put_one, &putting);
    if (!putting.followed) { /* since a moment ago */
        drop_upstream(set, upstream);
    }
    set_publish_changes(set);
    set_mirror_end_waits(set);
    set_publish_withdrawals(set); /* of what domains have left */
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list_one(struct set_shared *shared, void *context)
{
    struct policy_set_mirrors *list = context;
    if (shared->owner == NULL || shared->mirror == NULL) {
        return;
    }
    ARRAY_GROW(list->domains, list->count, list->capacity);
    list->domains[list->count++] = memory_string(shared->mirror->domain.text);
}

struct dropping {
    const struct policy_set_mirrors *kept;
    struct upstream **items;
    size_t count;
    size_t capacity;
};

static bool is_listed(const struct policy_set_mirrors *list, const char *name)
{
    return list->count != 0 &&
           bsearch(&name, list->domains, list->count, sizeof(char *), by_text) != NULL;
}

static void list_unfollowed(const void *node, VISIT which, void *context)
{
    struct dropping *dropping = context;
    struct upstream *upstream = *(struct upstream *const *)node;
    if ((which != postorder && which != leaf) || is_listed(dropping->kept, upstream->text)) {
        return;
    }
    ARRAY_GROW(dropping->items, dropping->count, dropping->capacity);
    dropping->items[dropping->count++] = upstream;
}

static void drop_unfollowed(struct policy_set *set, const struct policy_set_mirrors *kept)
{
    struct dropping dropping = {.kept = kept};
    twalk_r(set->upstreams, list_unfollowed, &dropping);
    for (size_t i = 0; i < dropping.count; i++) {
        drop_upstream(set, dropping.items[i]);
    }
    free(dropping.items);
}

bool policy_set_take_mirrors(struct policy_set *set, struct policy_set_mirrors *ret_mirrors)
{
    struct policy_set_mirrors list = {0};
    if (!set->mirrors_changed) {
        return false;
    }
    set->mirrors_changed = false;
    set_shared_each(set, list_one, &list);
    if (list.count != 0) {
        qsort(list.domains, list.count, sizeof(char *), by_text);
    }
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (kept != 0 && strcmp(list.domains[kept - 1], list.domains[i]) == 0) {
            free(list.domains[i]);
        } else {
            list.domains[kept++] = list.domains[i];
        }
    }
    list.count = kept;
    drop_unfollowed(set, &list);
    *ret_mirrors = list;
    return true;
}

void policy_set_mirrors_clear(struct policy_set_mirrors *mirrors)
{
    for (size_t i = 0; i < mirrors->count; i++) {
        free(mirrors->domains[i]);
    }
    free(mirrors->domains);
    *mirrors = (struct policy_set_mirrors){0};
}

void set_mirror_free(struct policy_set *set)
{
    tdestroy(set->upstreams, free_upstream);
}
