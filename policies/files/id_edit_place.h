/* Where the id of one policy stands in the text of a policy file, or where it goes. Used by
 * id_edit.c alone. */
#ifndef POLICIES_FILES_ID_EDIT_PLACE_H
#define POLICIES_FILES_ID_EDIT_PLACE_H

#include "lib/base/error.h"
#include "lib/yaml/yaml.h"

/* `remove` octets at `offset` give way to: lead, indentation, opening, the id, closing, line_end.
 * All of them point into the file's text or to literals. */
struct id_edit_splice {
    size_t offset;
    size_t remove;
    struct bytes lead;
    struct bytes indentation;
    struct bytes opening;
    struct bytes closing;
    struct bytes line_end;
};

/* PAIR's value is the mapping that has, or will have, the id. Fails with line and column where
 * what stands there cannot be edited safely. */
bool id_edit_place_find(struct bytes text, const struct yaml_pair *pair,
                        struct id_edit_splice *ret_splice, struct error *e) MUST_USE;

#endif
