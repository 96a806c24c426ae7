/* Unix stream sockets in the file system: a stale file is taken over, a live one is not. */
#ifndef LIB_BASE_UNIX_SOCKET_H
#define LIB_BASE_UNIX_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/error.h"
#include "lib/base/file.h"

/* "PATH is too long for a socket" where it is. */
bool unix_socket_address(const char *path, struct sockaddr_un *ret_address, struct error *e)
    MUST_USE;

/* Whose the file becomes, and who may connect. */
struct unix_socket_owner {
    uid_t uid;   /* (uid_t)-1: it stays ours, … */
    gid_t gid;   /* … and (gid_t)-1: our group's */
    mode_t mode; /* 0: 0660 */
};

/* A listening, non-blocking, close-on-exec socket on PATH. A socket file that nobody
 * listens on is removed first; a living listener, or a file that is no socket, is ERROR_CONFLICT.
 * OWNER NULL: nobody else's, mode 0660. *RET_FILE says which file that is.
 *
 * It may be called as root for a path in somebody else's directory: what is not the socket made
 * here keeps its owner and mode, whatever that user puts in its place meanwhile (ERROR_CHANGED).
 * Not while there are other threads: it sets the umask for a moment. */
bool unix_socket_listen(const char *path, const struct unix_socket_owner *owner, int *ret_fd,
                        struct file_identity *ret_file, struct error *e) MUST_USE;
/* Removes PATH where it is FILE still, and not what a successor has bound since. */
void unix_socket_remove(const char *path, const struct file_identity *file);

#endif
