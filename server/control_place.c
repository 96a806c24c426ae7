#include "control_place.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "lib/base/group.h"

enum { DIRECTORY_MODE = 0750 };

/* No other thread runs yet. */
static char *name_group(gid_t gid)
{
    const struct group *group = getgrgid(gid); // NOLINT(concurrency-mt-unsafe)
    return group != NULL ? memory_string(group->gr_name) : memory_printf("%u", (unsigned)gid);
}

static bool find_panel_group(const struct settings *settings, struct control_place *place,
                             struct error *e)
{
    if (settings->panel_group == NULL) {
        return true;
    }
    const struct group *group = getgrnam(settings->panel_group); // NOLINT(concurrency-mt-unsafe)
    if (group == NULL) {
        return error_set(e, ERROR_NOT_FOUND,
                         "there is no group %s; make it (addgroup --system %s) or change "
                         "control.panel_group in the configuration",
                         settings->panel_group, settings->panel_group);
    }
    place->panel_group = group->gr_gid;
    return true;
}

static bool find_group(const struct settings *settings, const struct privileges *privileges,
                       struct control_place *place, struct error *e)
{
    if (settings->control_group == NULL) {
        place->group = privileges->uid != (uid_t)-1 ? privileges->gid : getegid();
        place->group_name = name_group(place->group);
        return true;
    }
    if (!group_find(settings->control_group, &place->group, e)) {
        return error_prefix(e, "control.group: ");
    }
    place->group_name = memory_string(settings->control_group);
    return true;
}

/* The usual directory, where root starts us without a service manager. One that exists is
 * somebody's who has seen to it; of ours the group alone is set. */
static bool make_directory(const struct privileges *privileges, const struct control_place *place,
                           struct error *e)
{
    bool is_new = false;
    CLEANUP_CLOSE int found = -1;
    CLEANUP_FREE char *path = file_path_directory(place->path);
    if (!directory_make(path, DIRECTORY_MODE, &found, &is_new, e)) {
        return error_prefix(e, "control: ");
    }
    CLEANUP_CLOSE int fd = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return !is_new ||
           (fd >= 0 && fchmod(fd, DIRECTORY_MODE) == 0 &&
            fchown(fd, privileges->uid, place->group) == 0) ||
           error_system(e, "cannot set up the directory %s", path);
}

bool control_place_prepare(const struct settings *settings, const struct privileges *privileges,
                           struct control_place *ret_place, struct error *e)
{
    struct control_place place = {.path = settings->control};
    if (!find_panel_group(settings, &place, e) || !find_group(settings, privileges, &place, e)) {
        return false;
    }
    if (settings->control_older != NULL && geteuid() == 0 &&
        !make_directory(privileges, &place, e)) {
        control_place_clear(&place);
        return false;
    }
    *ret_place = place;
    return true;
}

/* Systemd gives its directory to the user and its group: to another group it is for us to open it,
 * which the kernel allows a member. What fails here fails at the socket, with words. */
static void open_to_group(const char *path, gid_t group)
{
    struct stat status;
    if (group != getegid() && stat(path, &status) == 0 && status.st_uid == geteuid()) {
        (void)!chown(path, (uid_t)-1, group);
    }
}

void control_place_choose(const struct settings *settings, struct control_place *place)
{
    CLEANUP_FREE char *directory = file_path_directory(settings->control);
    if (settings->control_older == NULL) {
        return;
    }
    if (access(directory, W_OK | X_OK) != 0) {
        place->path = settings->control_older;
    } else {
        open_to_group(directory, place->group);
    }
}

void control_place_clear(struct control_place *place)
{
    free(place->group_name);
    place->group_name = NULL;
}
