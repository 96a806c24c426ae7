#include "tree_export.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "lib/base/file_batch.h"
#include "policies/files/policy_tree.h"
#include "policies/model/policy_text.h"
#include "publish/export_list.h"

enum { DIRECTORY_MODE = 0755, FILE_MODE = 0644 };

/* An export under way. */
struct work {
    struct tree_export *export;
    struct directory_tree tree;
    struct file_batch *batch;
    struct name_map list;
};

static void fail(const struct work *work, const struct error *e)
{
    work->export->failed = true;
    work->export->tell(e, work->export->context);
}

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
    struct work *work = context;
    CLEANUP_FREE char *name = policy_tree_name(view->entry->name);
    work->export->domains++;
    struct error e;
    if (!workspace_has_policy(view, &e)) {
        error_format_prefix(&e, "%.*s: not written: ", BYTES_ARG(view->entry->name));
        fail(work, &e);
        return true;
    }
    if (is_written(&work->tree, name, policy_body(view->policy))) {
        work->export->unchanged++;
    } else {
        name_map_add(&work->list, view->entry->name)->value = EXPORT_WRITTEN;
    }
    return true;
}

static bool export_domain(const struct catalogue_view *view, void *context)
{
    struct work *work = context;
    const struct name_map_item *item = name_map_find(&work->list, view->entry->name);
    if (item == NULL || item->value != EXPORT_WRITTEN) {
        return true;
    }
    CLEANUP_FREE char *name = policy_tree_name(view->entry->name);
    struct error e;
    if (!file_batch_add(work->batch, name, policy_body(view->policy), FILE_MODE, &e)) {
        fail(work, &e);
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
static bool is_ours(const struct work *work, const struct policy_tree_file *file, const char *name,
                    int *ret_directory)
{
    struct error ignored;
    return name_map_find(&work->list, dns_name_bytes(&file->domain)) != NULL &&
           directory_tree_enter(&work->tree, name, 0, ret_directory, &ignored) &&
           has_our_text(*ret_directory, file->path);
}

static bool delete_file(struct work *work, const struct policy_tree_file *file, struct error *e)
{
    CLEANUP_CLOSE int directory = -1;
    CLEANUP_FREE char *name = policy_tree_name(dns_name_bytes(&file->domain));
    if (!is_ours(work, file, name, &directory)) {
        work->export->kept(file->path, work->export->context);
        return true;
    }
    if (unlinkat(directory, file_path_name(name), 0) != 0) {
        return error_system(e, "cannot delete %s", file->path);
    }
    delete_directories(&work->tree, name);
    name_map_find(&work->list, dns_name_bytes(&file->domain))->value = EXPORT_DELETED;
    work->export->deleted++;
    return true;
}

/* Whether it is known that the domain of FILE is gone: a disk that is not mounted has none. */
static bool is_gone(const struct work *work, const struct policy_tree_file *file, struct error *e)
{
    struct catalogue_counts counts;
    catalogue_counts(work->export->workspace->catalogue, &counts);
    return counts.tops_without_files == 0 ||
           error_set(e, ERROR_CONFLICT,
                     "%s is not deleted, nor is any other: a directory of policies has no policy "
                     "file; put them back, or say by a file with domains: {} that it is meant",
                     file->path);
}

static bool delete_stale(struct work *work, struct error *e)
{
    CLEANUP(policy_tree_clear) struct policy_tree tree = {0};
    if (!policy_tree_find(work->tree.path, &tree, e)) {
        return false;
    }
    for (size_t i = 0; i < tree.count; i++) {
        const struct policy_tree_file *file = &tree.files[i];
        struct catalogue_view view;
        if (file->exported &&
            !catalogue_find(work->export->workspace->catalogue, dns_name_bytes(&file->domain),
                            &view) &&
            !(is_gone(work, file, e) && delete_file(work, file, e))) {
            return false;
        }
    }
    return true;
}

static void delete_gone(struct work *work)
{
    struct error e;
    struct tree_export *export = work->export;
    export->blind = export->deletes && export->workspace->diagnostics.errors != 0;
    if (export->deletes && !export->blind && !export->failed &&
        (!delete_stale(work, &e) || !export_list_write(&work->tree, &work->list, &e))) {
        fail(work, &e);
    }
}

static bool write_tree(struct work *work, struct error *e)
{
    const struct catalogue *catalogue = work->export->workspace->catalogue;
    if (!export_list_read(&work->tree, &work->list, e)) {
        return false;
    }
    catalogue_each(catalogue, list_domain, work);
    if (!export_list_write(&work->tree, &work->list, e)) {
        return false;
    }
    catalogue_each(catalogue, export_domain, work);
    if (!file_batch_commit(work->batch, e)) {
        fail(work, e);
    }
    return true;
}

bool tree_export_run(struct tree_export *export, struct error *e)
{
    struct work work = {.export = export, .tree = {export->directory, -1}};
    CLEANUP(file_batch_clear) struct file_batch batch = {.tree = &work.tree};
    work.batch = &batch;
    bool ok = file_make_directories(export->directory, DIRECTORY_MODE, e) &&
              directory_tree_open(export->directory, &work.tree, e) && write_tree(&work, e);
    if (ok) {
        delete_gone(&work);
    }
    export->written = batch.replaced;
    name_map_clear(&work.list);
    file_batch_clear(&batch);
    file_close(&work.tree.fd);
    return ok;
}
