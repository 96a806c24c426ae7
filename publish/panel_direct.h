/* The panel's file changed without a server: by root and the server's user, with what the policy
 * files say in the place of what is served. */
#ifndef PUBLISH_PANEL_DIRECT_H
#define PUBLISH_PANEL_DIRECT_H

#include "config/settings.h"
#include "policies/files/catalogue.h"
#include "policies/panel/panel_file.h"

/* Root becomes the owner of the file's directory for it: what it writes is that user's, who goes on
 * writing it, and no link that this user puts there leads elsewhere. */
bool panel_direct_edit(const struct settings *settings, const struct catalogue *catalogue,
                       const struct panel_edits *edits, struct panel_edited *ret_edited,
                       struct error *e) MUST_USE;

#endif
