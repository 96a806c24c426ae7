/* export: the policies as a static tree, for object storage, CDNs and web servers. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
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

static bool export_domain(const struct policy_set_view *view, void *context)
{
    struct export *export = context;
    CLEANUP_FREE char *path = policy_tree_path(export->directory, view->entry->name);
    struct bytes body = policy_body(view->policy);
    struct error e;
    export->domains++;
    if (is_written(path, body)) {
        return true;
    }
    if (!write_policy(export, path, body, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
        return false; /* a full disk or a wrong owner: the next would fail as well */
    }
    export->written++;
    return true;
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
        if (!is_ours(file->path)) {
            fprintf(stderr, "%s: warning: kept: no export wrote this; delete it by hand\n",
                    file->path);
            continue;
        }
        if (!delete_file(file->path, e)) {
            return false;
        }
        export->deleted++;
    }
    return true;
}

static void finish(struct export *export, bool delete)
{
    struct error e;
    if (delete &&export->workspace->diagnostics.errors != 0) {
        fprintf(stderr, "Nothing was deleted: the domains of the files in error are not known.\n");
    } else if (delete &&!export->failed && !delete_stale(export, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export->failed = true;
    }
    fprintf(stderr, "%zu domains: %zu written, %zu unchanged, %zu deleted\n", export->domains,
            export->written, export->domains - export->written, export->deleted);
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
    if (!file_make_directories(export.directory, DIRECTORY_MODE, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    policy_set_each(workspace.set, export_domain, &export);
    if (!export.failed && !file_batch_commit(&batch, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        export.failed = true;
    }
    finish(&export, invocation_has(invocation, "delete"));
    return export.failed ? COMMAND_FAILED : workspace_exit(&workspace);
}
