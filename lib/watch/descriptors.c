#include "descriptors.h"

#include <errno.h>
#include <search.h>
#include <string.h>
#include <sys/inotify.h>

/* IN_EXCL_UNLINK: who still writes to a file that was replaced writes to no name any more. */
enum {
    NAMES_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |
                 IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD,
    CONTENTS_MASK = IN_MODIFY | IN_CLOSE_WRITE,
};

struct descriptor {
    int number;
    struct watch_reasons listed;
    void *names; /* tsearch(3) of struct watched_name */
};

struct watched_name {
    struct watch_reasons reasons;
    char text[];
};

static void reasons_clear(struct watch_reasons *reasons)
{
    for (size_t i = 0; i < reasons->count; i++) {
        free(reasons->items[i].path);
    }
    free(reasons->items);
    *reasons = (struct watch_reasons){0};
}

static void name_free(void *name)
{
    reasons_clear(&((struct watched_name *)name)->reasons);
    free(name);
}

static void descriptor_free(void *node)
{
    struct descriptor *descriptor = node;
    reasons_clear(&descriptor->listed);
    tdestroy(descriptor->names, name_free);
    free(descriptor);
}

static int compare_numbers(const void *left, const void *right)
{
    const struct descriptor *a = left;
    const struct descriptor *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct watched_name *)left)->text,
                  ((const struct watched_name *)right)->text);
}

void descriptors_clear(struct descriptors *descriptors)
{
    tdestroy(descriptors->by_number, descriptor_free);
    descriptors->by_number = NULL;
}

static struct descriptor *find(const struct descriptors *descriptors, int number)
{
    const struct descriptor key = {.number = number};
    void *const *found = tfind(&key, &descriptors->by_number, compare_numbers);
    return found != NULL ? *found : NULL;
}

static struct descriptor *find_or_add(struct descriptors *descriptors, int number)
{
    struct descriptor *known = find(descriptors, number);
    if (known != NULL) {
        return known;
    }
    struct descriptor *new = memory_zero(1, sizeof(*new));
    new->number = number;
    if (tsearch(new, &descriptors->by_number, compare_numbers) == NULL) {
        abort(); /* out of memory */
    }
    return new;
}

static struct watched_name *name_new(const char *text)
{
    size_t n = strlen(text) + 1;
    struct watched_name *name = memory_zero(1, sizeof(*name) + n);
    memcpy(name->text, text, n);
    return name;
}

static struct watched_name *find_or_add_name(struct descriptor *descriptor, const char *text)
{
    struct watched_name *new = name_new(text);
    struct watched_name **found = tsearch(new, &descriptor->names, compare_names);
    if (found == NULL) {
        abort(); /* out of memory */
    }
    if (*found != new) {
        free(new);
    }
    return *found;
}

bool descriptors_watch(struct descriptors *descriptors, const char *path, bool contents,
                       int *ret_number, struct error *e)
{
    uint32_t mask = NAMES_MASK | (contents ? CONTENTS_MASK : 0);
    int number = descriptors->fd < 0 ? -1 : inotify_add_watch(descriptors->fd, path, mask);
    if (number < 0 && (descriptors->fd < 0 || errno == ENOSPC || errno == ENOMEM)) {
        return error_set(e, ERROR_LIMIT, "no inotify watch is left for %s", path);
    }
    if (number < 0) {
        return error_system(e, "watch %s", path);
    }
    (void)find_or_add(descriptors, number);
    *ret_number = number;
    return true;
}

struct watch_reasons *descriptors_listed(const struct descriptors *descriptors, int number)
{
    struct descriptor *descriptor = find(descriptors, number);
    return descriptor != NULL ? &descriptor->listed : NULL;
}

struct watch_reasons *descriptors_name(const struct descriptors *descriptors, int number,
                                       const char *name)
{
    struct descriptor *descriptor = find(descriptors, number);
    if (descriptor == NULL || descriptor->names == NULL) {
        return NULL;
    }
    struct watched_name *key = name_new(name);
    struct watched_name *const *found = tfind(key, &descriptor->names, compare_names);
    free(key);
    return found != NULL ? &(*found)->reasons : NULL;
}

static bool same_path(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct watch_reason *find_reason(struct watch_reasons *reasons,
                                        const struct watch_tree *tree, const char *path)
{
    for (size_t i = 0; i < reasons->count; i++) {
        struct watch_reason *reason = &reasons->items[i];
        if (reason->tree == tree && same_path(reason->path, path)) {
            return reason;
        }
    }
    return NULL;
}

/* A name that so many paths lead to stands for the whole tree instead. */
enum { REASONS_MAX = 64 };

static void add_reason(struct watch_reasons *reasons, struct watch_tree *tree, const char *path)
{
    if (reasons->count >= REASONS_MAX) {
        path = NULL;
    }
    struct watch_reason *known = find_reason(reasons, tree, path);
    if (known != NULL) {
        known->walk = tree->walk;
        return;
    }
    ARRAY_GROW(reasons->items, reasons->count, reasons->capacity);
    reasons->items[reasons->count++] =
        (struct watch_reason){tree, memory_string_or_null(path), tree->walk};
}

bool descriptors_add_listed(struct descriptors *descriptors, int number, struct watch_tree *tree,
                            const char *path)
{
    struct descriptor *descriptor = find_or_add(descriptors, number);
    for (size_t i = 0; i < descriptor->listed.count; i++) {
        const struct watch_reason *reason = &descriptor->listed.items[i];
        if (reason->tree == tree && reason->walk == tree->walk && !same_path(reason->path, path)) {
            return false;
        }
    }
    add_reason(&descriptor->listed, tree, path);
    return true;
}

void descriptors_add_name(struct descriptors *descriptors, int number, const char *name,
                          struct watch_tree *tree, const char *path)
{
    struct descriptor *descriptor = find_or_add(descriptors, number);
    add_reason(&find_or_add_name(descriptor, name)->reasons, tree, path);
}

void descriptors_forget(struct descriptors *descriptors, int number)
{
    struct descriptor *descriptor = find(descriptors, number);
    if (descriptor != NULL) {
        tdelete(descriptor, &descriptors->by_number, compare_numbers);
        descriptor_free(descriptor);
    }
}

/* Nodes to take out of a tsearch tree once it was walked: it must not change meanwhile. */
struct sweep {
    const struct watch_tree *tree;
    void **empty;
    size_t count;
    size_t capacity;
};

static void sweep_reasons(const struct watch_tree *tree, struct watch_reasons *reasons)
{
    size_t kept = 0;
    for (size_t i = 0; i < reasons->count; i++) {
        struct watch_reason *reason = &reasons->items[i];
        if (reason->tree == tree && reason->walk != tree->walk) {
            free(reason->path);
        } else {
            reasons->items[kept++] = *reason;
        }
    }
    reasons->count = kept;
}

static void sweep_note_empty(struct sweep *sweep, void *node)
{
    ARRAY_GROW(sweep->empty, sweep->count, sweep->capacity);
    sweep->empty[sweep->count++] = node;
}

static void sweep_name(const void *node, VISIT when, void *context)
{
    struct sweep *sweep = context;
    if (when == preorder || when == endorder) {
        return; /* each node once */
    }
    struct watched_name *name = *(struct watched_name *const *)node;
    sweep_reasons(sweep->tree, &name->reasons);
    if (name->reasons.count == 0) {
        sweep_note_empty(sweep, name);
    }
}

static void sweep_descriptor(const void *node, VISIT when, void *context)
{
    struct sweep *sweep = context;
    if (when == preorder || when == endorder) {
        return;
    }
    struct descriptor *descriptor = *(struct descriptor *const *)node;
    struct sweep names = {.tree = sweep->tree};
    twalk_r(descriptor->names, sweep_name, &names);
    for (size_t i = 0; i < names.count; i++) {
        tdelete(names.empty[i], &descriptor->names, compare_names);
        name_free(names.empty[i]);
    }
    free(names.empty);
    sweep_reasons(sweep->tree, &descriptor->listed);
    if (descriptor->listed.count == 0 && descriptor->names == NULL) {
        sweep_note_empty(sweep, descriptor);
    }
}

void descriptors_sweep(struct descriptors *descriptors, const struct watch_tree *tree)
{
    struct sweep sweep = {.tree = tree};
    twalk_r(descriptors->by_number, sweep_descriptor, &sweep);
    for (size_t i = 0; i < sweep.count; i++) {
        struct descriptor *descriptor = sweep.empty[i];
        (void)inotify_rm_watch(descriptors->fd, descriptor->number);
        tdelete(descriptor, &descriptors->by_number, compare_numbers);
        descriptor_free(descriptor);
    }
    free(sweep.empty);
}
