#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/descriptor.h"

enum { SOCKET_MODE = 0660 };

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

static bool remove_stale(const char *path, const struct sockaddr_un *address, struct error *e)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT || error_system(e, "cannot look at %s", path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return error_set(e, ERROR_CONFLICT,
                         "%s exists and is not a socket; remove it or choose another path", path);
    }
    CLEANUP_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return error_system(e, "cannot make a socket");
    }
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
        errno == EAGAIN) {
        return error_set(e, ERROR_CONFLICT,
                         "another process listens on %s; stop it or choose another path", path);
    }
    return errno != ECONNREFUSED || unlink(path) == 0 ||
           error_system(e, "cannot remove the stale socket %s", path);
}

bool unix_socket_listen(const char *path, int *ret_fd, struct file_identity *ret_file,
                        struct error *e)
{
    struct stat status;
    struct sockaddr_un address;
    if (!unix_socket_address(path, &address, e) || !remove_stale(path, &address, e)) {
        return false;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_system(e, "cannot make a socket");
    }
    /* bind gives the file the descriptor's mode less the umask: narrow at birth, widened after. */
    if (fchmod(fd, 0600) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return error_system(
            e, "cannot make the socket %s; its directory must exist and be writable", path);
    }
    if (chmod(path, SOCKET_MODE) != 0 || listen(fd, SOMAXCONN) != 0 || lstat(path, &status) != 0) {
        return error_system(e, "cannot listen on %s", path);
    }
    *ret_file = file_identity_of(&status);
    *ret_fd = descriptor_take(&fd);
    return true;
}

void unix_socket_remove(const char *path, const struct file_identity *file)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return;
    }
    struct file_identity now = file_identity_of(&status);
    /* A number that was freed is soon another file's: the time tells them apart. Not that of the
     * last change: who may use the socket is the operator's to say. */
    if (now.device == file->device && now.inode == file->inode &&
        now.modified_ns == file->modified_ns) {
        unlink(path);
    }
}
