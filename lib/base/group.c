#include "group.h"

#include <errno.h>
#include <grp.h>

#include "lib/base/memory.h"

enum { ROOM = 16 * 1024, ROOM_MAX = 16 * 1024 * 1024 };

bool group_find(const char *name, gid_t *ret_group, struct error *e)
{
    struct group found;
    struct group *group = NULL;
    for (size_t room = ROOM; room <= ROOM_MAX; room *= 4) { /* a group may have many members */
        CLEANUP_FREE char *buffer = memory_zero(room, 1);
        int code = getgrnam_r(name, &found, buffer, room, &group);
        if (group != NULL) {
            *ret_group = group->gr_gid;
            return true;
        }
        if (code != ERANGE) {
            errno = code;
            return code == 0 ? error_set(e, ERROR_NOT_FOUND,
                                         "there is no group %s; make it (addgroup --system %s)",
                                         name, name)
                             : error_system(e, "cannot look up the group %s", name);
        }
    }
    return error_set(e, ERROR_LIMIT, "the group %s has too many members", name);
}
