#include "panel_direct.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "publish/workspace.h"

struct known {
    const struct settings *settings;
    const struct catalogue *catalogue;
};

static const char *elsewhere(struct bytes domain, void *context)
{
    const struct known *known = context;
    struct catalogue_view view;
    if (catalogue_is_disputed(known->catalogue, domain)) {
        return "more than one file";
    }
    bool found = catalogue_find(known->catalogue, domain, &view);
    return found && strcmp(view.path, known->settings->panel) != 0 ? view.path : NULL;
}

static bool has_shared(struct bytes name, void *context)
{
    const struct known *known = context;
    CLEANUP_FREE char *subject = memory_printf("@%.*s", BYTES_ARG(name));
    return catalogue_entry(known->catalogue, bytes_of(subject)) != NULL;
}

static const struct policy *policy_of(struct bytes domain, void *context)
{
    const struct known *known = context;
    struct catalogue_view view;
    return catalogue_find(known->catalogue, domain, &view) ? view.policy : NULL;
}

/* *RET_BECAME: we were root and are the owner now; *RET_GROUP is the group to go back to. */
static bool become_owner(const char *path, gid_t *ret_group, bool *ret_became, struct error *e)
{
    struct stat status;
    CLEANUP_FREE char *directory = file_path_directory(path);
    *ret_became = false;
    *ret_group = getegid();
    if (stat(directory, &status) != 0) {
        return error_system(e, "cannot look at %s, the directory of the panel's file", directory);
    }
    if (geteuid() != 0 || status.st_uid == 0) {
        return true;
    }
    *ret_became = setegid(status.st_gid) == 0 && seteuid(status.st_uid) == 0;
    return *ret_became || error_system(e, "cannot become the owner of %s", directory);
}

static void become_root(gid_t group)
{
    if (seteuid(0) != 0 || setegid(group) != 0) {
        abort(); /* root that cannot be root again is none of what follows */
    }
}

bool panel_direct_edit(const struct settings *settings, const struct catalogue *catalogue,
                       const struct panel_edits *edits, struct panel_edited *ret_edited,
                       struct error *e)
{
    gid_t group = 0;
    bool became = false;
    struct known known = {settings, catalogue};
    const struct panel_facts facts = {elsewhere, has_shared, policy_of, &known};
    const struct panel_task task = {edits->items, edits->count, &facts, settings->ids_derived,
                                    clock_wall_s()};
    const struct policy_file_defaults defaults = workspace_defaults(settings);
    if (!become_owner(settings->panel, &group, &became, e)) {
        return false;
    }
    bool good = panel_file_edit(settings->panel, &defaults, &task, ret_edited, e);
    if (became) {
        become_root(group);
    }
    return good;
}
