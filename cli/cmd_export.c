/* export: the policies as a static tree, for object storage, CDNs and web servers. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/safe_text.h"
#include "cli/export_list.h"
#include "cli/file_batch.h"
#include "cli/policy_tree.h"
#include "cli/workspace.h"
#include "policies/policy_text.h"

enum { DIRECTORY_MODE = 0755, FILE_MODE = 0644 };

struct export
{
    const char *directory;
    const struct workspace *workspace;
    struct file_batch *batch;
    struct name_map list;
    size_t domains;
    size_t written;
    size_t deleted;
    bool failed;
};

/* Whether PATH holds BODY already: an unchanged file keeps its time and its place in caches. */
static bool is_written(const char *path, struct bytes body)
{
    struct error ignored;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    return file_read(path, &text, NULL, &ignored) && bytes_equal(buffer_bytes(&text), body);
}

static bool write_policy(struct export *export, const char *path, struct bytes body,
                         struct error *e)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    return file_make_directories(directory, DIRECTORY_MODE, e) &&
           file_batch_add(export->batch, path, body, FILE_MODE, e);
}

/* Lists what is to be written before any of it is: a crash leaves no file that we do not know. */
static bool list_domain(const struct policy_set_view *view, void *context)
{
    struct export *export = context;
    CLEANUP_FREE char *path = policy_tree_path(export->directory, view->entry->name);
    export->domains++;
    struct error e;
    if (!workspace_has_policy(view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: not written: %s\n", BYTES_ARG(view->entry->name),
                e.text);
        export->failed = true;
        return true;
    }
    if (!is_written(path, policy_body(view->policy))) {
        name_map_add(&export->list, view->entry->name)->value = EXPORT_WRITTEN;
    }
    return true;
}

static bool export_domain(const struct policy_set_view *view, void *context)
{
    struct export *export = context;
    const struct name_map_item *item = name_map_find(&export->list, view->entry->name);
    if (item == NULL || item->value != EXPORT_WRITTEN) {
        return true;
    }
    CLEANUP_FREE char *path = policy_tree_path(export->directory, view->entry->name);
    struct error e;
    if (!write_policy(export, path, policy_body(view->policy), &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
        return false; /* a full disk or a wrong owner: the next would fail as well */
    }
    export->written++;
    return true;
}

static bool is_link(const char *path)
{
    struct stat status;
    return lstat(path, &status) != 0 || S_ISLNK(status.st_mode);
}

/* Somebody made a link there: what it names is theirs. */
static bool is_behind_link(const char *path)
{
    CLEANUP_FREE char *well_known = file_path_directory(path);
    CLEANUP_FREE char *host = file_path_directory(well_known);
    return is_link(path) || is_link(well_known) || is_link(host);
}

/* Whether an export wrote this text: only ours is, octet for octet, its own safe form. */
static bool is_ours(const char *path)
{
    struct error ignored;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    if (!file_read(path, &text, NULL, &ignored) ||
        !policy_text_parse(buffer_bytes(&text), path, &policy, &d)) {
        return false;
    }
    bool ours = bytes_equal(buffer_bytes(&text), policy_body(policy));
    policy_free(policy);
    return ours;
}

static bool delete_file(const char *path, struct error *e)
{
    if (unlink(path) != 0) {
        return error_system(e, "cannot delete %s", path);
    }
    /* The two directories above are ours where nothing else lies in them; else they stay. */
    CLEANUP_FREE char *well_known = file_path_directory(path);
    CLEANUP_FREE char *host = file_path_directory(well_known);
    if (rmdir(well_known) == 0) {
        (void)rmdir(host);
    }
    return true;
}

static bool delete_stale(struct export *export, struct error *e)
{
    CLEANUP(policy_tree_clear) struct policy_tree tree = {0};
    if (!policy_tree_find(export->directory, &tree, e)) {
        return false;
    }
    for (size_t i = 0; i < tree.count; i++) {
        const struct policy_tree_file *file = &tree.files[i];
        struct policy_set_view view;
        if (!file->exported ||
            policy_set_find(export->workspace->set, dns_name_bytes(&file->domain), &view)) {
            continue;
        }
        struct name_map_item *item = name_map_find(&export->list, dns_name_bytes(&file->domain));
        if (item == NULL || is_behind_link(file->path) || !is_ours(file->path)) {
            fprintf(stderr, "%s: warning: kept: no export wrote this; delete it by hand\n",
                    SAFE_TEXT(file->path));
            continue;
        }
        if (!delete_file(file->path, e)) {
            return false;
        }
        item->value = EXPORT_DELETED;
        export->deleted++;
    }
    return true;
}

static void finish(struct export *export, bool delete)
{
    struct error e;
    if (delete &&export->workspace->diagnostics.errors != 0) {
        fprintf(stderr, "Nothing was deleted: the domains of the files in error are not known.\n");
    } else if (delete &&!export->failed &&
               (!delete_stale(export, &e) ||
                !export_list_write(export->directory, &export->list, &e))) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
    }
    fprintf(stderr, "%zu domain%s: %zu written, %zu unchanged, %zu deleted\n", export->domains,
            export->domains == 1 ? "" : "s", export->written, export->domains - export->written,
            export->deleted);
}

static bool write_tree(struct export *export, struct error *e)
{
    const struct policy_set *set = export->workspace->set;
    if (!file_make_directories(export->directory, DIRECTORY_MODE, e) ||
        !export_list_read(export->directory, &export->list, e)) {
        return false;
    }
    policy_set_each(set, list_domain, export);
    if (!export_list_write(export->directory, &export->list, e)) {
        return false;
    }
    policy_set_each(set, export_domain, export);
    if (!export->failed && !file_batch_commit(export->batch, e)) {
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
    CLEANUP(file_batch_clear) struct file_batch batch = {.count = 0};
    struct export export = {
        .directory = invocation->arguments[0],
        .workspace = &workspace,
        .batch = &batch,
    };
    struct error e;
    bool ok = write_tree(&export, &e);
    if (ok) {
        finish(&export, invocation_has(invocation, "delete"));
    } else {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
    }
    name_map_clear(&export.list);
    return !ok || export.failed ? COMMAND_FAILED : workspace_exit(&workspace);
}
