/* Where lines and values stand in the text of a policy file: what edits in place are made of. Used
 * by id_edit* and policy_edit* alone. */
#ifndef POLICIES_FILES_EDIT_TEXT_H
#define POLICIES_FILES_EDIT_TEXT_H

#include "lib/base/error.h"
#include "lib/yaml/yaml.h"

/* Where the line that holds OFFSET begins. */
size_t edit_line_start(struct bytes text, size_t offset);

/* The line end at or after OFFSET (LF, CRLF or CR), empty at the end of the text. */
struct bytes edit_line_end(struct bytes text, size_t offset);

/* A scalar behind `|` or `>`. */
bool edit_is_block_scalar(struct bytes text, const struct yaml_node *node);

/* Just past the last character of a value, without what libyaml counts to it: the comments and
 * blank lines that follow a block collection. */
size_t edit_value_end(struct bytes text, const struct yaml_pair *pair);

/* What a line that comes after MAPPING's last item begins with and ends with. */
struct edit_new_line {
    size_t offset;
    struct bytes lead; /* where the text has no final line end: what ends its last line */
    struct bytes indentation;
    struct bytes line_end; /* empty where the text has no final line end */
};

/* MAPPING is in block style and has a pair. WHAT is for the error ("id"): there is no such line
 * where the last key does not begin its own. */
bool edit_new_line_find(struct bytes text, const struct yaml_node *mapping, const char *what,
                        struct edit_new_line *ret_line, struct error *e) MUST_USE;

/* An error with its place. */
#define error_at_place(e, place, code, ...)                                                        \
    (error_format((e), (code), __VA_ARGS__), (e)->line = (place)->line,                            \
     (e)->column = (place)->column, false)

#endif
