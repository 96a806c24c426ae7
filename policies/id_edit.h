/* Puts new ids into the text of a policy file and leaves every other octet alone. Pure: text in,
 * text out. */
#ifndef POLICIES_ID_EDIT_H
#define POLICIES_ID_EDIT_H

#include "base/buffer.h"
#include "base/error.h"
#include "policies/policy_id.h"

enum id_edit_section { ID_EDIT_POLICIES, ID_EDIT_DOMAINS };

struct id_edit {
    enum id_edit_section section;
    struct bytes name; /* normalised domain, or the shared policy's name */
    struct policy_id id;
};

/* Appends TEXT with all EDITS made to RET_TEXT. Where an `id` stands its value is replaced (quotes
 * are put round it where none stood), where none stands a line (or `, id: "ID"` in a flow mapping)
 * is inserted. The result has been parsed again and is what was meant. Fails, with line and column
 * in E, where that cannot be done safely: the id or its mapping stands behind an alias, or is a
 * block scalar. */
bool id_edit_apply(struct bytes text, const struct id_edit *edits, size_t count,
                   struct buffer *ret_text, struct error *e) MUST_USE;

#endif
