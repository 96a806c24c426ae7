/* Where the control socket of a server goes, and to whom. By default that is /run/mtasts-host,
 * which is open to a group as `state` is to nobody: systemd makes it (RuntimeDirectory=), or who
 * starts as root. Who starts as another user, and finds none, has it under `state`, for itself. */
#ifndef SERVER_CONTROL_PLACE_H
#define SERVER_CONTROL_PLACE_H

#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/privileges.h"

struct control_place {
    const char *path;  /* of SETTINGS */
    gid_t panel_group; /* where SETTINGS name one */
    char *group_name;
    gid_t group; /* whose members may ask */
};

/* While we may still be root: finds the group of SETTINGS and makes the directory. */
bool control_place_prepare(const struct settings *settings, const struct privileges *privileges,
                           struct control_place *ret_place, struct error *e) MUST_USE;
/* After privileges_drop: which of the two paths it is. */
void control_place_choose(const struct settings *settings, struct control_place *place);
void control_place_clear(struct control_place *place);

#endif
