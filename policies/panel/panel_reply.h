/* What came of edits of the panel's file, as the control socket's `panel` answers it and as
 * commands print it with --json:
 *
 *     {"changed": whether the file is another one now, "made": whether there was none before,
 *      "domains": [{"domain": "a.example", "outcome": "added"}, …]}          as they were asked for
 * or {"refused": {"line", "column", "text"}}, a place of 0 where it is none of the lines'. */
#ifndef POLICIES_PANEL_PANEL_REPLY_H
#define POLICIES_PANEL_PANEL_REPLY_H

#include <jansson.h>

#include "policies/panel/panel_file.h"

json_t *panel_reply_made(const struct panel_edits *edits, const struct panel_edited *edited);
json_t *panel_reply_refused(const struct error *e);
/* REPLY is one that was refused, and E says why. */
bool panel_reply_is_refused(const json_t *reply, struct error *e);

/* "add", "set", "remove", "remove-now"; NULL for the server's own. */
const char *panel_verb_name(enum panel_verb verb);
bool panel_verb_parse(const char *name, enum panel_verb *ret_verb) MUST_USE;

#endif
