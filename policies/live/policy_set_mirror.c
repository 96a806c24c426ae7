/* Shared policies that follow a provider's own (policies/model/policy_mirror.h): the upstreams'
 * texts. Domains that wait for the first one are in policy_set_waits.c. */
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
static const struct upstream *put_upstream(struct policy_set *set, struct bytes domain,
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

void set_mirror_put_text(struct policy_set *set, struct bytes domain, struct policy *policy)
{
    (void)put_upstream(set, domain, policy);
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

void set_mirror_drop_text(struct policy_set *set, struct bytes domain)
{
    struct upstream *upstream = find_upstream(set, domain);
    if (upstream != NULL) {
        drop_upstream(set, upstream);
    }
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
