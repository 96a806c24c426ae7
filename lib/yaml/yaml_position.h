/* From libyaml's marks to places in the text.
 *
 * A mark's index counts code points and leaves a byte order mark out; its lines end at NEL and LS
 * too, which no editor agrees with. So we count ourselves: octets for in-place edits, and lines
 * (LF, CRLF, CR) and columns (code points) for people. */
#ifndef LIB_YAML_YAML_POSITION_H
#define LIB_YAML_YAML_POSITION_H

#include "lib/yaml/yaml.h"

struct yaml_position {
    struct bytes text;
    size_t index; /* as libyaml counts */
    size_t offset;
    size_t line_index; /* of the line's first character */
    unsigned line;
};

struct yaml_position yaml_position_start(struct bytes text);

/* Moves to INDEX (or the end of the text) and says where that is. Forward it costs the distance;
 * backward it begins anew, which the marks of successive events never ask for. */
struct yaml_place yaml_position_at_index(struct yaml_position *position, size_t index);

/* The same for an offset in octets, with which libyaml's reader names what is no UTF-8. */
struct yaml_place yaml_position_at_offset(struct bytes text, size_t offset);

#endif
