#include "lint_files.h"

#include "cli/policy_files.h"
#include "cli/workspace.h"
#include "policies/policy_lint.h"

/* Ids that shared policies of different files have in common. */
static void lint_shared_ids(const struct policy_files *files, struct diagnostics *d)
{
    struct policy_lint_shared *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct policy_file *file = &files->items[i].file;
        for (size_t j = 0; j < file->policy_count; j++) {
            const struct policy_file_entry *entry = &file->policies[j];
            ARRAY_GROW(items, count, capacity);
            items[count++] =
                (struct policy_lint_shared){files->items[i].path, entry, entry->policy};
        }
    }
    policy_lint_shared_ids(items, count, d);
    free(items);
}

bool lint_files(const struct settings *settings, const char *const *paths, size_t path_count,
                int64_t now_s, struct diagnostics *d)
{
    struct policy_set *set = NULL;
    if (!workspace_load_policies(settings, paths, path_count, &set)) {
        return false;
    }
    policy_set_diagnostics(set, d); /* with all that files have against each other */
    policy_set_free(set);

    struct policy_file_defaults defaults = workspace_defaults(settings);
    CLEANUP(diagnostics_clear) struct diagnostics told = {0}; /* the set had them */
    CLEANUP(policy_files_clear) struct policy_files files = {0};
    for (size_t i = 0; i < path_count; i++) {
        policy_files_read(&files, paths[i], &defaults, &told);
    }
    for (size_t i = 0; i < files.count; i++) {
        policy_lint(&files.items[i].file, files.items[i].path, now_s, d);
    }
    lint_shared_ids(&files, d);
    return true;
}
