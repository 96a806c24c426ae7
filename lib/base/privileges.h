/* Who the process is: the state directory, and the change to `user:` after the sockets are bound.
 */
#ifndef LIB_BASE_PRIVILEGES_H
#define LIB_BASE_PRIVILEGES_H

#include <sys/types.h>

#include "lib/base/error.h"

struct privileges {
    const char *user; /* NULL: stay who started us */
    uid_t uid;        /* (uid_t)-1: as we are */
    gid_t gid;
};

/* Looks USER (NULL: nobody) up. Fails where there is no such user, or where we are somebody else
 * and not root. */
bool privileges_find(const char *user, struct privileges *ret_privileges, struct error *e) MUST_USE;

/* Who we are by now: a name, or the number of one who has none; at most PRIVILEGES_NAME_MAX octets
 * with the final NUL. */
enum { PRIVILEGES_NAME_MAX = 256 };
void privileges_name(char *ret_name);

/* Makes the state directory (0700, the user's) where it is missing. One that exists is left as it
 * is, but must be the user's and closed to others' writing; where its mode is somebody else's
 * affair (a volume that containers mount with mode 2770 or 0777), the error names one below it,
 * which is made as above. */
bool privileges_prepare_state(const char *path, const struct privileges *privileges,
                              struct error *e) MUST_USE;

/* After the sockets are open, before any thread: becomes that user with its groups, for good, and
 * gives up what ports below 1024 took (the listeners are never opened again) and any way to gain
 * privileges again. */
bool privileges_drop(const struct privileges *privileges, struct error *e) MUST_USE;

#endif
