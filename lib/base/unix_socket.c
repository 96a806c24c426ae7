#include "unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/descriptor.h"
#include "lib/base/directory.h"

enum { SOCKET_MODE = 0660, ALL_MODES = 07777 };

bool unix_socket_address(const char *path, struct sockaddr_un *ret_address, struct error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(address.sun_path)) {
        return error_set(e, ERROR_LIMIT,
                         "the path of the socket %s has %zu octets; at most %zu are possible, "
                         "choose a shorter one",
                         path, n, sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, path, n);
    *ret_address = address;
    return true;
}

/* Where a socket is to stand: its directory, held, and its name in there. */
struct place {
    const char *path;
    const char *name; /* the last part of it */
    int directory;
};

static void place_clear(struct place *place)
{
    file_close(&place->directory);
}

static bool place_open(const char *path, struct place *ret_place, struct error *e)
{
    int directory = -1;
    if (!directory_open_parent(path, &directory, e)) {
        return error_prefix(e,
                            "cannot make the socket %s; its directory must exist and be "
                            "writable: ",
                            path);
    }
    *ret_place = (struct place){path, file_path_name(path), directory};
    return true;
}

/* Whoever may write in the directory may have put something else there by now: only a name in this
 * very directory goes. */
static bool remove_stale(const struct place *place, const struct sockaddr_un *address,
                         struct error *e)
{
    struct stat status;
    if (fstatat(place->directory, place->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || error_system(e, "cannot look at %s", place->path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return error_set(e, ERROR_CONFLICT,
                         "%s exists and is not a socket; remove it or choose another path",
                         place->path);
    }
    CLEANUP_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return error_system(e, "cannot make a socket");
    }
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
        errno == EAGAIN) {
        return error_set(e, ERROR_CONFLICT,
                         "another process listens on %s; stop it or choose another path",
                         place->path);
    }
    return errno != ECONNREFUSED || unlinkat(place->directory, place->name, 0) == 0 ||
           error_system(e, "cannot remove the stale socket %s", place->path);
}

/* bind(2) gives the file the descriptor's mode less the umask, so it has the right one at birth and
 * no chmod(2) need find it again. Nobody can connect before listen(2). The umask is the whole
 * process's: sockets are opened before there are other threads. */
static bool bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    mode_t kept = umask(0);
    bool bound =
        fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    umask(kept);
    return bound;
}

/* bind(2) went by the path, which somebody may have turned elsewhere meanwhile, and what it made
 * may have been moved away: only a socket of ours in the directory that is held goes on. A default
 * ACL of the directory (acl(5)) takes from the mode at birth, and gives nothing. */
static bool look_at_own(const struct place *place, mode_t mode, int *ret_file,
                        struct stat *ret_status, struct error *e)
{
    int file = openat(place->directory, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, ret_status) != 0) {
        (void)error_system(e, "cannot find the socket %s again", place->path);
        file_close(&file);
        return false;
    }
    if (!S_ISSOCK(ret_status->st_mode) || ret_status->st_uid != geteuid() ||
        (ret_status->st_mode & ALL_MODES & ~mode) != 0 || ret_status->st_nlink != 1) {
        file_close(&file);
        return error_set(e, ERROR_CHANGED,
                         "%s was replaced while it was made; put it into a directory where nobody "
                         "but root and its user may write",
                         place->path);
    }
    *ret_file = file;
    return true;
}

/* What a default ACL took. chmod(2) has no form for such a descriptor but its name in /proc. */
static bool widen(int file, mode_t now, mode_t mode, const struct place *place, struct error *e)
{
    if ((now & ALL_MODES) == mode) {
        return true;
    }
    CLEANUP_FREE char *name = memory_printf("/proc/self/fd/%d", file);
    return chmod(name, mode) == 0 || error_system(e, "cannot set the mode of %s", place->path);
}

/* By the descriptor: its owner is this file's, whatever stands at the path by now. */
static bool give(int file, const struct unix_socket_owner *owner, const struct place *place,
                 struct error *e)
{
    return owner == NULL || (owner->uid == (uid_t)-1 && owner->gid == (gid_t)-1) ||
           fchownat(file, "", owner->uid, owner->gid, AT_EMPTY_PATH) == 0 ||
           error_system(e, "cannot give %s to its user or group", place->path);
}

bool unix_socket_listen(const char *path, const struct unix_socket_owner *owner, int *ret_fd,
                        struct file_identity *ret_file, struct error *e)
{
    struct stat status;
    struct sockaddr_un address;
    mode_t mode = owner != NULL && owner->mode != 0 ? owner->mode : SOCKET_MODE;
    CLEANUP(place_clear) struct place place = {.directory = -1};
    if (!unix_socket_address(path, &address, e) || !place_open(path, &place, e) ||
        !remove_stale(&place, &address, e)) {
        return false;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_system(e, "cannot make a socket");
    }
    if (!bind_with_mode(fd, &address, mode)) {
        return error_system(
            e, "cannot make the socket %s; its directory must exist and be writable", path);
    }
    CLEANUP_CLOSE int file = -1;
    if (!look_at_own(&place, mode, &file, &status, e) ||
        !widen(file, status.st_mode, mode, &place, e) || !give(file, owner, &place, e)) {
        return false;
    }
    if (listen(fd, SOMAXCONN) != 0) {
        return error_system(e, "cannot listen on %s", path);
    }
    *ret_file = file_identity_of(&status);
    *ret_fd = descriptor_take(&fd);
    return true;
}

void unix_socket_remove(const char *path, const struct file_identity *file)
{
    struct stat status;
    struct error ignored;
    CLEANUP(place_clear) struct place place = {.directory = -1};
    if (!place_open(path, &place, &ignored) ||
        fstatat(place.directory, place.name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    struct file_identity now = file_identity_of(&status);
    /* A number that was freed is soon another file's: the time tells them apart. Not that of the
     * last change: who may use the socket is the operator's to say. */
    if (now.device == file->device && now.inode == file->inode &&
        now.modified_ns == file->modified_ns) {
        (void)unlinkat(place.directory, place.name, 0);
    }
}
