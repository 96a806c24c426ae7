#include "catalogue_lint.h"

#include "policies/files/policy_lint.h"

struct linting {
    struct policy_lint_shared *shared; /* policies of all files */
    size_t count;
    size_t capacity;
    int64_t now_s;
    struct diagnostics *d;
};

static void lint_file(const struct catalogue_document *document, void *context)
{
    struct linting *linting = context;
    const struct policy_file *file = document->file;
    policy_lint(file, document->path, linting->now_s, linting->d);
    for (size_t i = 0; i < file->policy_count; i++) {
        const struct policy_file_entry *entry = &file->policies[i];
        ARRAY_GROW(linting->shared, linting->count, linting->capacity);
        linting->shared[linting->count++] =
            (struct policy_lint_shared){document->path, entry, entry->policy};
    }
}

void catalogue_lint(const struct catalogue *catalogue, int64_t now_s, struct diagnostics *d)
{
    struct linting linting = {.now_s = now_s, .d = d};
    catalogue_diagnostics(catalogue, d);
    catalogue_each_file(catalogue, lint_file, &linting);
    policy_lint_shared_ids(linting.shared, linting.count, d);
    free(linting.shared);
}
