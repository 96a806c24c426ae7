/* What the files say, for the command line. */
#include <stdlib.h>

#include "loader/policy_set_parts.h"

bool policy_set_load(const struct policy_set_options *options, struct policy_set **ret_set,
                     struct error *e)
{
    const struct watch_changes everything = {.rescan = true};
    const struct watch_changes nothing = {0};
    if (options->path_count == 0) {
        return error_set(e, ERROR_NOT_FOUND, "no policy files are named; give a file or directory");
    }
    struct policy_set *set = policy_set_new(options, policy_index_new());
    set->own_index = true;
    set->keep_files = true;
    struct policy_set_result result;
    policy_set_apply(set, &everything, 0, &result);
    while (policy_set_next_due_ms(set) == 0) {
        policy_set_apply(set, &nothing, 0, &result);
    }
    *ret_set = set;
    return true;
}

static void view_of(const struct policy_set *set, const struct set_file *file,
                    const struct policy_file_entry *entry, struct policy_set_view *ret_view)
{
    struct policy_set_view view = {.path = file->path, .entry = entry, .policy = entry->policy};
    const struct set_shared *shared =
        entry->shared.n != 0 ? set_shared_find(set, entry->shared) : NULL;
    const struct set_file *owner = shared != NULL ? shared->owner : NULL;
    if (owner != NULL) {
        view.shared = policy_file_find_policy(&owner->kept, entry->shared);
        view.shared_path = owner->path;
        view.policy = view.shared != NULL ? view.shared->policy : NULL;
    }
    *ret_view = view;
}

bool policy_set_find(const struct policy_set *set, struct bytes domain,
                     struct policy_set_view *ret_view)
{
    const struct policy_domain *found = policy_index_domain(set->index, domain);
    const struct set_file *file = found != NULL && set->keep_files ? found->owner : NULL;
    const struct policy_file_entry *entry =
        file != NULL ? policy_file_find_domain(&file->kept, domain) : NULL;
    if (entry == NULL) {
        return false;
    }
    view_of(set, file, entry, ret_view);
    return true;
}

struct named {
    const struct policy_file_entry *entry;
    const struct set_file *file;
};

static int by_name(const void *left, const void *right)
{
    const struct named *a = left;
    const struct named *b = right;
    return bytes_compare(a->entry->name, b->entry->name);
}

void policy_set_each(const struct policy_set *set,
                     bool (*visit)(const struct policy_set_view *view, void *context),
                     void *context)
{
    struct named *all = memory_alloc(set->owned * sizeof(*all));
    size_t count = 0;
    for (size_t i = 0; i < set->files.count && set->keep_files; i++) {
        const struct set_file *file = set->files.items[i];
        for (size_t n = 0; n < file->kept.domain_count; n++) {
            all[count++] = (struct named){&file->kept.domains[n], file};
        }
    }
    qsort(all, count, sizeof(*all), by_name);
    for (size_t i = 0; i < count; i++) {
        struct policy_set_view view;
        view_of(set, all[i].file, all[i].entry, &view);
        if (!visit(&view, context)) {
            break;
        }
    }
    free(all);
}
