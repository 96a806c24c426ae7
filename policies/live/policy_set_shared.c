/* Shared policies by name and by slot. */
#include <search.h>
#include <stdint.h>
#include <stdlib.h>

#include "policies/live/policy_set_parts.h"

static int by_name(const void *left, const void *right)
{
    return bytes_compare(set_shared_name(left), set_shared_name(right));
}

static int by_slot(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct set_shared *)left)->slot;
    uintptr_t b = (uintptr_t)((const struct set_shared *)right)->slot;
    return (a > b) - (a < b);
}

static struct set_shared *shared_new(struct bytes name)
{
    struct set_shared *shared = memory_zero(1, sizeof(*shared) + 1 + name.n + 1);
    shared->name_length = name.n;
    shared->text[0] = '@';
    memcpy(shared->text + 1, name.p, name.n);
    return shared;
}

struct set_shared *set_shared_find(const struct policy_set *set, struct bytes name)
{
    CLEANUP_FREE struct set_shared *wanted = shared_new(name);
    struct set_shared **found = tfind(wanted, &set->shared_by_name, by_name);
    return found != NULL ? *found : NULL;
}

struct set_shared *set_shared_mention(struct policy_set *set, struct bytes name)
{
    CLEANUP_FREE struct set_shared *wanted = shared_new(name);
    struct set_shared **found = tsearch(wanted, &set->shared_by_name, by_name);
    if (found == NULL) {
        abort(); /* out of memory */
    }
    struct set_shared *shared = *found;
    if (shared == wanted) {
        wanted = NULL; /* it is in the tree now */
    }
    shared->mentions++;
    return shared;
}

static void shared_free(struct set_shared *shared)
{
    diagnostics_clear(&shared->problems);
    free(shared->last_path);
    free(shared->mirror);
    free(shared);
}

void set_shared_unmention(struct policy_set *set, struct set_shared *shared)
{
    shared->mentions--;
    /* One that is published is withdrawn first: by set_publish, when its last user has gone. */
    if (shared->mentions == 0 && shared->slot == NULL) {
        tdelete(shared, &set->shared_by_name, by_name);
        shared_free(shared);
    }
}

struct set_shared *set_shared_of(struct policy_set *set, const struct policy_domain *domain)
{
    if (domain->slot == NULL || domain->slot == &domain->own) {
        return NULL;
    }
    if (set->last_slot == NULL || set->last_slot->slot != domain->slot) {
        struct set_shared wanted = {.slot = domain->slot};
        struct set_shared **found = tfind(&wanted, &set->shared_by_slot, by_slot);
        set->last_slot = found != NULL ? *found : NULL;
    }
    return set->last_slot;
}

void set_shared_publish(struct policy_set *set, struct set_shared *shared, struct policy *policy)
{
    if (shared->slot == NULL) {
        shared->slot = policy_slot_new();
        if (tsearch(shared, &set->shared_by_slot, by_slot) == NULL) {
            abort(); /* out of memory */
        }
    }
    policy_slot_publish(shared->slot, policy);
}

void set_shared_withdraw(struct policy_set *set, struct set_shared *shared)
{
    tdelete(shared, &set->shared_by_slot, by_slot);
    set->last_slot = NULL;
    policy_slot_free(shared->slot);
    shared->slot = NULL;
}

void set_shared_touch(struct policy_set *set, struct set_shared *shared)
{
    if (shared->touched) {
        return;
    }
    shared->touched = true;
    ARRAY_GROW(set->publication.touched, set->publication.touched_count,
               set->publication.touched_capacity);
    set->publication.touched[set->publication.touched_count++] = shared;
    shared->mentions++;
}

struct each {
    void (*visit)(struct set_shared *shared, void *context);
    void *context;
};

static void visit_node(const void *node, VISIT which, void *context)
{
    const struct each *each = context;
    if (which == postorder || which == leaf) {
        each->visit(*(struct set_shared *const *)node, each->context);
    }
}

void set_shared_each(const struct policy_set *set,
                     void (*visit)(struct set_shared *shared, void *context), void *context)
{
    struct each each = {visit, context};
    twalk_r(set->shared_by_name, visit_node, &each);
}

static void free_node(void *node)
{
    struct set_shared *shared = node;
    policy_slot_free(shared->slot);
    shared_free(shared);
}

static void leave_node(void *node)
{
    (void)node;
}

void set_shared_free_all(struct policy_set *set)
{
    tdestroy(set->shared_by_slot, leave_node);
    tdestroy(set->shared_by_name, free_node);
    set->shared_by_slot = NULL;
    set->shared_by_name = NULL;
}
