#include "catalogue.h"

#include <stdlib.h>

#include "policies/files/catalogue_parts.h"
#include "policies/files/mirror_copy.h"

/* --- Loading --- */

static void settle(struct catalogue *catalogue, const struct catalogue_options *options)
{
    catalogue_uses_check(catalogue);
    catalogue_conflicts_settle(catalogue, options);
    catalogue_uses_check(catalogue); /* of what was refused */
    catalogue_uses_report(catalogue);
    catalogue_names_clean(catalogue);
}

static void report_mirror(const struct catalogue_name *name, const char *directory)
{
    struct error e = {.code = ERROR_NOT_FOUND};
    struct bytes domain = dns_name_bytes(&name->entry->mirror->domain);
    CLEANUP(mirror_copy_clear) struct mirror_copy copy = {0};
    if (mirror_copy_read(directory, domain, &copy, &e)) {
        return; /* since a moment ago */
    }
    diagnostics_add(&name->file->problems, SEVERITY_WARNING, name->file->path,
                    name->entry->place.line, name->entry->place.column,
                    "shared policy %.*s follows %.*s, whose policy is not known yet (%s); until "
                    "the server has fetched it, domains that come to it stay with what they have, "
                    "or without a policy",
                    BYTES_ARG(name->entry->name), BYTES_ARG(domain),
                    e.code == ERROR_NOT_FOUND ? "never fetched" : e.text);
}

/* Those whose text is not known. */
static void report_mirrors(const struct catalogue *catalogue, const char *directory)
{
    for (size_t i = 0; i < catalogue->policies.count; i++) {
        const struct catalogue_name *name = &catalogue->policies.items[i];
        if (name->entry->mirror != NULL && name->entry->policy == NULL) {
            report_mirror(name, directory);
        }
    }
}

bool catalogue_load(const struct catalogue_options *options, struct catalogue **ret_catalogue,
                    struct error *e)
{
    if (options->path_count == 0) {
        return error_set(e, ERROR_NOT_FOUND, "no policy files are named; give a file or directory");
    }
    struct catalogue *catalogue = memory_zero(1, sizeof(*catalogue));
    catalogue->tops = memory_zero(options->path_count, sizeof(catalogue->tops[0]));
    catalogue->top_count = options->path_count;
    for (size_t i = 0; i < options->path_count; i++) {
        const char *const *entries = options->entries != NULL ? options->entries : options->paths;
        catalogue->tops[i].path = memory_string(options->paths[i]);
        catalogue->tops[i].entry = memory_string(entries[i]);
    }
    catalogue_read(catalogue, options);
    catalogue_names_collect(catalogue);
    if (!options->apart) {
        settle(catalogue, options);
    }
    if (options->mirror_copies != NULL) {
        report_mirrors(catalogue, options->mirror_copies);
    }
    *ret_catalogue = catalogue;
    return true;
}

void catalogue_free(struct catalogue *catalogue)
{
    if (catalogue == NULL) {
        return;
    }
    for (size_t i = 0; i < catalogue->top_count; i++) {
        free(catalogue->tops[i].path);
        free(catalogue->tops[i].entry);
    }
    for (size_t i = 0; i < catalogue->file_count; i++) {
        policy_file_clear(&catalogue->files[i].file);
        diagnostics_clear(&catalogue->files[i].problems);
        free(catalogue->files[i].path);
    }
    diagnostics_clear(&catalogue->problems);
    free(catalogue->tops);
    free(catalogue->files);
    free(catalogue->places);
    free(catalogue->domains.items);
    free(catalogue->policies.items);
    free(catalogue);
}

/* --- What is wrong, and how much there is --- */

void catalogue_diagnostics(const struct catalogue *catalogue, struct diagnostics *d)
{
    struct diagnostics all = {0};
    diagnostics_append(&all, &catalogue->problems);
    for (size_t i = 0; i < catalogue->file_count; i++) {
        diagnostics_append(&all, &catalogue->files[i].problems);
    }
    diagnostics_sort(&all);
    diagnostics_append(d, &all);
    d->dropped += all.dropped;
    diagnostics_clear(&all);
}

static size_t count_disputed(const struct catalogue_names *names)
{
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        count += names->items[i].disputed;
    }
    return count;
}

void catalogue_counts(const struct catalogue *catalogue, struct catalogue_counts *ret_counts)
{
    size_t domains = count_disputed(&catalogue->domains);
    size_t policies = count_disputed(&catalogue->policies);
    *ret_counts = (struct catalogue_counts){
        .files = catalogue->file_count,
        .domains = catalogue->domains.count - domains,
        .shared_policies = catalogue->policies.count - policies,
        .disputed = domains + policies,
    };
    for (size_t i = 0; i < catalogue->top_count; i++) {
        ret_counts->tops_without_files += catalogue->tops[i].files == 0;
    }
    for (size_t i = 0; i < catalogue->file_count; i++) {
        ret_counts->files_in_error += catalogue->files[i].problems.errors != 0;
    }
}

/* --- Answers --- */

static const struct catalogue_name *find_name(const struct catalogue *catalogue,
                                              struct bytes subject)
{
    size_t count = 0;
    bool shared = bytes_starts_with(subject, BYTES("@"));
    return catalogue_names_find(shared ? &catalogue->policies : &catalogue->domains,
                                bytes_skip(subject, shared ? 1 : 0), &count);
}

/* The shared policy that NAME's domain uses, or NULL. */
static const struct catalogue_name *shared_of(const struct catalogue *catalogue,
                                              const struct catalogue_name *name)
{
    size_t count = 0;
    struct bytes shared = name->entry->shared;
    return shared.n != 0 ? catalogue_names_find(&catalogue->policies, shared, &count) : NULL;
}

/* False: it is disputed. */
static bool make_view(const struct catalogue *catalogue, const struct catalogue_name *name,
                      struct catalogue_view *ret_view)
{
    const struct catalogue_name *shared = shared_of(catalogue, name);
    if (name->disputed || (shared != NULL && shared->disputed)) {
        return false;
    }
    *ret_view = (struct catalogue_view){
        .path = name->file->path, .entry = name->entry, .policy = name->entry->policy};
    if (shared != NULL) {
        ret_view->shared = shared->entry;
        ret_view->shared_path = shared->file->path;
        ret_view->policy = shared->entry->policy;
    }
    return true;
}

bool catalogue_find(const struct catalogue *catalogue, struct bytes domain,
                    struct catalogue_view *ret_view)
{
    size_t count = 0;
    const struct catalogue_name *name = catalogue_names_find(&catalogue->domains, domain, &count);
    return name != NULL && make_view(catalogue, name, ret_view);
}

bool catalogue_is_disputed(const struct catalogue *catalogue, struct bytes subject)
{
    struct catalogue_view ignored;
    const struct catalogue_name *name = find_name(catalogue, subject);
    return name != NULL && !make_view(catalogue, name, &ignored);
}

const struct policy_file_entry *catalogue_entry(const struct catalogue *catalogue,
                                                struct bytes subject)
{
    struct catalogue_view ignored;
    const struct catalogue_name *name = find_name(catalogue, subject);
    return name != NULL && make_view(catalogue, name, &ignored) ? name->entry : NULL;
}

const struct policy *catalogue_policy(const struct catalogue *catalogue, struct bytes subject)
{
    const struct policy_file_entry *entry = catalogue_entry(catalogue, subject);
    if (entry != NULL && entry->shared.n != 0) {
        CLEANUP_FREE char *shared = memory_printf("@%.*s", BYTES_ARG(entry->shared));
        entry = catalogue_entry(catalogue, bytes_of(shared));
    }
    return entry != NULL ? entry->policy : NULL;
}

struct catalogue *catalogue_load_older(const char *path,
                                       const struct policy_file_defaults *defaults,
                                       struct diagnostics *d)
{
    struct error e;
    struct catalogue *older = NULL;
    const struct catalogue_options options = {
        .paths = &path, .path_count = 1, .defaults = *defaults, .apart = true};
    if (!catalogue_load(&options, &older, &e)) {
        diagnostics_add_error(d, path, &e);
        return NULL;
    }
    catalogue_diagnostics(older, d);
    if (d->errors != 0) {
        catalogue_free(older);
        return NULL;
    }
    return older;
}

void catalogue_each(const struct catalogue *catalogue,
                    bool (*visit)(const struct catalogue_view *view, void *context), void *context)
{
    const struct catalogue_names *domains = &catalogue->domains;
    for (size_t i = 0; i < domains->count; i += catalogue_names_run(domains, i)) {
        struct catalogue_view view;
        if (make_view(catalogue, &domains->items[i], &view) && !visit(&view, context)) {
            return;
        }
    }
}

void catalogue_each_file(const struct catalogue *catalogue,
                         void (*visit)(const struct catalogue_document *document, void *context),
                         void *context)
{
    for (size_t i = 0; i < catalogue->file_count; i++) {
        const struct catalogue_file *file = &catalogue->files[i];
        if (file->parsed) {
            visit(&(struct catalogue_document){file->path, &file->file, &file->identity}, context);
        }
    }
}
