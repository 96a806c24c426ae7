/* export: the policies as a static tree, for object storage, CDNs and web servers. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/export_list.h"
#include "cli/file_batch.h"
#include "cli/policy_tree.h"
#include "cli/workspace.h"
#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"
#include "policies/model/policy_text.h"

enum { DIRECTORY_MODE = 0755, FILE_MODE = 0644 };

struct export
{
    struct directory_tree tree;
    const struct workspace *workspace;
    struct file_batch *batch;
    struct name_map list;
    size_t domains;
    size_t unchanged;
    size_t deleted;
    bool failed;
};

/* Whether NAME in the tree holds BODY already: an unchanged file keeps its time and its place in
 * caches. What lies behind a link does not count: writing says that there is one. */
static bool is_written(const struct directory_tree *tree, const char *name, struct bytes body)
{
    struct error ignored;
    CLEANUP_CLOSE int directory = -1;
    CLEANUP_FREE char *path = file_path_join(tree->path, name);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    return directory_tree_enter(tree, name, 0, &directory, &ignored) &&
           file_read_at(directory, path, &text, &ignored) && bytes_equal(buffer_bytes(&text), body);
}

/* Lists what is to be written before any of it is: a crash leaves no file that we do not know. */
static bool list_domain(const struct catalogue_view *view, void *context)
{
    struct export *export = context;
    CLEANUP_FREE char *name = policy_tree_name(view->entry->name);
    export->domains++;
    struct error e;
    if (!workspace_has_policy(view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: not written: %s\n", BYTES_ARG(view->entry->name),
                e.text);
        export->failed = true;
        return true;
    }
    if (is_written(&export->tree, name, policy_body(view->policy))) {
        export->unchanged++;
    } else {
        name_map_add(&export->list, view->entry->name)->value = EXPORT_WRITTEN;
    }
    return true;
}

static bool export_domain(const struct catalogue_view *view, void *context)
{
    struct export *export = context;
    const struct name_map_item *item = name_map_find(&export->list, view->entry->name);
    if (item == NULL || item->value != EXPORT_WRITTEN) {
        return true;
    }
    CLEANUP_FREE char *name = policy_tree_name(view->entry->name);
    struct error e;
    if (!file_batch_add(export->batch, name, policy_body(view->policy), FILE_MODE, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
        /* A link is one domain's fault; with a full disk or a wrong owner the next would fail as
         * well. */
        return e.code == ERROR_CONFLICT;
    }
    return true;
}

/* Whether an export wrote this text: only ours is, octet for octet, its own safe form. */
static bool has_our_text(int directory, const char *path)
{
    struct error ignored;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    if (!file_read_at(directory, path, &text, &ignored) ||
        !policy_text_parse(buffer_bytes(&text), path, &policy, &d)) {
        return false;
    }
    bool ours = bytes_equal(buffer_bytes(&text), policy_body(policy));
    policy_free(policy);
    return ours;
}

/* The two directories above are ours where nothing else lies in them; else they stay. */
static void delete_directories(const struct directory_tree *tree, const char *name)
{
    struct error ignored;
    CLEANUP_FREE char *well_known = file_path_directory(name);
    CLEANUP_FREE char *host = file_path_directory(well_known);
    CLEANUP_CLOSE int directory = -1;
    if (directory_tree_enter(tree, well_known, 0, &directory, &ignored) &&
        unlinkat(directory, file_path_name(well_known), AT_REMOVEDIR) == 0) {
        (void)unlinkat(tree->fd, host, AT_REMOVEDIR);
    }
}

/* An export wrote FILE, and no link leads to it: what is behind one is somebody else's. */
static bool is_ours(const struct export *export, const struct policy_tree_file *file,
                    const char *name, int *ret_directory)
{
    struct error ignored;
    return name_map_find(&export->list, dns_name_bytes(&file->domain)) != NULL &&
           directory_tree_enter(&export->tree, name, 0, ret_directory, &ignored) &&
           has_our_text(*ret_directory, file->path);
}

static bool delete_file(struct export *export, const struct policy_tree_file *file, struct error *e)
{
    CLEANUP_CLOSE int directory = -1;
    CLEANUP_FREE char *name = policy_tree_name(dns_name_bytes(&file->domain));
    if (!is_ours(export, file, name, &directory)) {
        fprintf(stderr, "%s: warning: kept: no export wrote this; delete it by hand\n",
                SAFE_TEXT(file->path));
        return true;
    }
    if (unlinkat(directory, file_path_name(name), 0) != 0) {
        return error_system(e, "cannot delete %s", file->path);
    }
    delete_directories(&export->tree, name);
    name_map_find(&export->list, dns_name_bytes(&file->domain))->value = EXPORT_DELETED;
    export->deleted++;
    return true;
}

/* Whether it is known that the domain of FILE is gone: a disk that is not mounted has none. */
static bool is_gone(const struct export *export, const struct policy_tree_file *file,
                    struct error *e)
{
    struct catalogue_counts counts;
    catalogue_counts(export->workspace->catalogue, &counts);
    return counts.tops_without_files == 0 ||
           error_set(e, ERROR_CONFLICT,
                     "%s is not deleted, nor is any other: a directory of policies has no policy "
                     "file; put them back, or say by a file with domains: {} that it is meant",
                     file->path);
}

static bool delete_stale(struct export *export, struct error *e)
{
    CLEANUP(policy_tree_clear) struct policy_tree tree = {0};
    if (!policy_tree_find(export->tree.path, &tree, e)) {
        return false;
    }
    for (size_t i = 0; i < tree.count; i++) {
        const struct policy_tree_file *file = &tree.files[i];
        struct catalogue_view view;
        if (file->exported &&
            !catalogue_find(export->workspace->catalogue, dns_name_bytes(&file->domain), &view) &&
            !(is_gone(export, file, e) && delete_file(export, file, e))) {
            return false;
        }
    }
    return true;
}

static void finish(struct export *export, bool delete)
{
    struct error e;
    if (delete &&export->workspace->diagnostics.errors != 0) {
        fprintf(stderr, "Nothing was deleted: the domains of the files in error are not known.\n");
    } else if (delete &&!export->failed && (!delete_stale(export, &e) ||
                                            !export_list_write(&export->tree, &export->list, &e))) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
    }
    fprintf(stderr, "%zu domain%s: %zu written, %zu unchanged, %zu deleted\n", export->domains,
            export->domains == 1 ? "" : "s", export->batch->replaced, export->unchanged,
            export->deleted);
}

static bool write_tree(struct export *export, struct error *e)
{
    const struct catalogue *catalogue = export->workspace->catalogue;
    if (!export_list_read(&export->tree, &export->list, e)) {
        return false;
    }
    catalogue_each(catalogue, list_domain, export);
    if (!export_list_write(&export->tree, &export->list, e)) {
        return false;
    }
    catalogue_each(catalogue, export_domain, export);
    if (!file_batch_commit(export->batch, e)) {
        fprintf(stderr, "mtasts-host: %s\n", e->text);
        export->failed = true;
    }
    return true;
}

int cmd_export(const struct invocation *invocation)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    struct error e;
    const char *directory = invocation->arguments[0];
    struct export export = {.tree = {directory, -1}, .workspace = &workspace};
    CLEANUP(file_batch_clear) struct file_batch batch = {.tree = &export.tree};
    export.batch = &batch;
    bool ok = file_make_directories(directory, DIRECTORY_MODE, &e) &&
              directory_tree_open(directory, &export.tree, &e) && write_tree(&export, &e);
    if (ok) {
        finish(&export, invocation_has(invocation, "delete"));
    } else {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
    }
    name_map_clear(&export.list);
    file_batch_clear(&batch);
    file_close(&export.tree.fd);
    return !ok || export.failed ? COMMAND_FAILED : workspace_exit(&workspace);
}
