#include "lint_files.h"

#include "cli/lint_leaving.h"
#include "cli/lint_live.h"
#include "cli/workspace.h"
#include "policies/files/policy_lint.h"

struct linting {
    struct policy_lint_shared *shared; /* policies of all files */
    size_t count;
    size_t capacity;
    int64_t now_s;
    struct diagnostics *d;
};

static void lint_file(const char *path, const struct policy_file *file, void *context)
{
    struct linting *linting = context;
    policy_lint(file, path, linting->now_s, linting->d);
    for (size_t i = 0; i < file->policy_count; i++) {
        const struct policy_file_entry *entry = &file->policies[i];
        ARRAY_GROW(linting->shared, linting->count, linting->capacity);
        linting->shared[linting->count++] = (struct policy_lint_shared){path, entry, entry->policy};
    }
}

bool lint_files(const struct settings *settings, const char *const *paths, size_t path_count,
                const struct lint_more *more, int64_t now_s, struct diagnostics *d)
{
    struct catalogue *catalogue = NULL;
    struct linting linting = {.now_s = now_s, .d = d};
    if (!workspace_load_policies(settings, paths, path_count, &catalogue)) {
        return false;
    }
    catalogue_diagnostics(catalogue, d); /* with all that files have against each other */
    if (more != NULL && more->leaving) {
        lint_leaving(settings, catalogue, now_s, d);
    }
    if (more != NULL && more->live != NULL) {
        lint_live(catalogue, more->live, d);
    }
    catalogue_each_file(catalogue, lint_file, &linting);
    policy_lint_shared_ids(linting.shared, linting.count, d);
    free(linting.shared);
    catalogue_free(catalogue);
    return true;
}
