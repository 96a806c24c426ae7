/* Puts new ids into the text of a policy file and leaves every other octet alone. Pure: text in,
 * text out. */
#ifndef POLICIES_FILES_ID_EDIT_H
#define POLICIES_FILES_ID_EDIT_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "policies/model/policy_id.h"

enum id_edit_section { ID_EDIT_POLICIES, ID_EDIT_DOMAINS };

struct id_edit {
    enum id_edit_section section;
    struct bytes name; /* normalised domain, or the shared policy's name */
    struct policy_id id;
};

/* Appends TEXT, a policy file without errors, with all EDITS made, to RET_TEXT. Where an `id`
 * stands its value is replaced (quotes are put round it where none stood). Where none stands a line
 * is inserted after the mapping's last item, with that mapping's indentation and line end; in a
 * flow mapping `, id: "ID"` after its last value (`"id"` where the keys are quoted as in JSON).
 *
 * The result has been parsed again: every entry says what it said, but for the ids meant. Fails,
 * with line and column in E and RET_TEXT as it was, where that cannot be done safely: TEXT has an
 * error, the id or its mapping stands behind an alias, the id is a block scalar (ERROR_CONFLICT),
 * or there is no such entry (ERROR_NOT_FOUND).
 *
 * The cost is that of three times reading the file, however many edits there are. */
bool id_edit_apply(struct bytes text, const struct id_edit *edits, size_t count,
                   struct buffer *ret_text, struct error *e) MUST_USE;

#endif
