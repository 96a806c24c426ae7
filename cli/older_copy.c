#include "older_copy.h"

#include <stdio.h>

#include "policies/files/catalogue.h"

struct older_copy {
    struct catalogue *catalogue;
};

struct older_copy *older_copy_open(const char *path, const struct policy_file_defaults *defaults)
{
    struct error e;
    struct older_copy *copy = memory_zero(1, sizeof(*copy));
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    const struct catalogue_options options = {
        .paths = &path,
        .path_count = 1,
        .defaults = *defaults,
        .apart = true,
    };
    if (catalogue_load(&options, &copy->catalogue, &e)) {
        catalogue_diagnostics(copy->catalogue, &d);
    } else {
        diagnostics_add_error(&d, path, &e);
    }
    if (d.errors != 0) {
        diagnostics_print(&d, stderr);
        older_copy_close(copy);
        return NULL;
    }
    return copy;
}

void older_copy_close(struct older_copy *copy)
{
    if (copy != NULL) {
        catalogue_free(copy->catalogue);
        free(copy);
    }
}

const struct policy_file_entry *older_copy_entry(const struct older_copy *copy, const char *subject)
{
    return catalogue_entry(copy->catalogue, bytes_of(subject));
}

const struct policy *older_copy_policy(const struct older_copy *copy, const char *subject)
{
    const struct policy_file_entry *entry = older_copy_entry(copy, subject);
    if (entry != NULL && entry->shared.n != 0) {
        CLEANUP_FREE char *shared = memory_printf("@%.*s", BYTES_ARG(entry->shared));
        entry = older_copy_entry(copy, shared);
    }
    return entry != NULL ? entry->policy : NULL;
}

struct each {
    void (*visit)(const char *domain, const struct policy *policy, void *context);
    void *context;
};

static bool visit_one(const struct catalogue_view *view, void *context)
{
    const struct each *each = context;
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    if (view->policy != NULL) {
        each->visit(domain, view->policy, each->context);
    }
    return true;
}

void older_copy_each(const struct older_copy *copy,
                     void (*visit)(const char *domain, const struct policy *policy, void *context),
                     void *context)
{
    struct each each = {visit, context};
    catalogue_each(copy->catalogue, visit_one, &each);
}
