#include "lint_files.h"

#include "cli/lint_leaving.h"
#include "cli/lint_live.h"
#include "cli/policy_files.h"
#include "cli/workspace.h"
#include "policies/policy_lint.h"

/* The shared policies of all files, in one list; the caller frees it. */
static struct policy_lint_shared *shared_policies(const struct policy_files *files,
                                                  size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++) {
        count += files->items[i].file.policy_count;
    }
    struct policy_lint_shared *items = memory_zero(count + 1, sizeof(items[0]));
    *ret_count = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct policy_file *file = &files->items[i].file;
        for (size_t j = 0; j < file->policy_count; j++) {
            const struct policy_file_entry *entry = &file->policies[j];
            items[(*ret_count)++] =
                (struct policy_lint_shared){files->items[i].path, entry, entry->policy};
        }
    }
    return items;
}

bool lint_files(const struct settings *settings, const char *const *paths, size_t path_count,
                const struct lint_more *more, int64_t now_s, struct diagnostics *d)
{
    struct policy_set *set = NULL;
    if (!workspace_load_policies(settings, paths, path_count, &set)) {
        return false;
    }
    policy_set_diagnostics(set, d); /* with all that files have against each other */
    if (more != NULL && more->leaving) {
        lint_leaving(settings, set, now_s, d);
    }
    if (more != NULL && more->live != NULL) {
        lint_live(set, more->live, d);
    }
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
    size_t count = 0;
    CLEANUP_FREE struct policy_lint_shared *shared = shared_policies(&files, &count);
    policy_lint_shared_ids(shared, count, d);
    return true;
}
