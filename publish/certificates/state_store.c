#include "state_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "lib/base/privileges.h"

enum { STORE_MODE = 0600 };

char *state_store_path(const struct settings *settings)
{
    return file_path_join(settings->state, "acme.db");
}

bool state_store_open(const struct settings *settings, struct acme_store **ret_store,
                      struct error *e)
{
    CLEANUP_FREE char *path = state_store_path(settings);
    if (acme_store_open_existing(path, ret_store, e)) {
        return true;
    }
    if (e->code == ERROR_NOT_FOUND) {
        return error_set(e, ERROR_NOT_FOUND,
                         "there are no certificates of ours yet: %s is missing; `mtasts-host "
                         "serve` makes it where %s has `acme`, and so does `mtasts-host cert "
                         "import`",
                         path, settings->file);
    }
    return false;
}

static bool prepare_directory(const struct settings *settings, struct stat *ret_status,
                              struct error *e)
{
    if (stat(settings->state, ret_status) == 0) {
        return true;
    }
    struct privileges privileges;
    if (!privileges_find(settings->user, &privileges, e) ||
        !privileges_prepare_state(settings->state, &privileges, e)) {
        return false;
    }
    return stat(settings->state, ret_status) == 0 ||
           error_system(e, "cannot look at %s", settings->state);
}

/* SQLite takes an empty file for a new one, and gives the files that it makes beside it the same
 * owner. */
static bool make_empty(const char *path, const struct stat *directory, struct error *e)
{
    CLEANUP_CLOSE int parent = -1;
    if (!directory_open_parent(path, &parent, e)) {
        return false;
    }
    CLEANUP_CLOSE int fd =
        openat(parent, file_path_name(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, STORE_MODE);
    if (fd < 0) {
        return errno == EEXIST || error_system(e, "cannot make %s", path);
    }
    return geteuid() != 0 || fchown(fd, directory->st_uid, directory->st_gid) == 0 ||
           error_system(e, "cannot give %s to the owner of its directory", path);
}

bool state_store_make(const struct settings *settings, struct acme_store **ret_store,
                      struct error *e)
{
    struct stat directory;
    CLEANUP_FREE char *path = state_store_path(settings);
    return prepare_directory(settings, &directory, e) && make_empty(path, &directory, e) &&
           acme_store_open(path, ret_store, e);
}
