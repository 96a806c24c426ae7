/* export: the policies as a static tree, for object storage, CDNs and web servers. */
#include <stdio.h>
#include <sys/stat.h>

#include "cli/opening.h"
#include "lib/base/safe_text.h"
#include "publish/tree_export.h"

static void tell_kept(const char *path, void *context)
{
    (void)context;
    fprintf(stderr, "%s: warning: kept: no export wrote this; delete it by hand\n",
            SAFE_TEXT(path));
}

int cmd_export(const struct invocation *invocation)
{
    struct error e;
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!open_workspace(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    umask(S_IWGRP | S_IWOTH); /* a web server is to read it, whatever who writes it has set */
    struct tree_export export = {
        .workspace = &workspace,
        .directory = invocation->arguments[0],
        .deletes = invocation_has(invocation, "delete"),
        .tell = tell_each,
        .kept = tell_kept,
    };
    if (!tree_export_run(&export, &e)) {
        return fail(&e);
    }
    if (export.blind) {
        fprintf(stderr, "Nothing was deleted: the domains of the files in error are not known.\n");
    }
    fprintf(stderr, "%zu domain%s: %zu written, %zu unchanged, %zu deleted\n", export.domains,
            export.domains == 1 ? "" : "s", export.written, export.unchanged, export.deleted);
    return export.failed ? COMMAND_FAILED : workspace_exit(&workspace);
}
