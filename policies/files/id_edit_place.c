#include "id_edit_place.h"

#include "policies/files/edit_text.h"

static bool place_of_old(struct bytes text, const struct yaml_pair *id,
                         struct id_edit_splice *ret_splice, struct error *e)
{
    const struct yaml_node *node = id->value;
    if (id->value_is_alias || node->anchored) {
        return error_at_place(e, &id->value_place, ERROR_CONFLICT,
                              "this id is shared through an alias (& and *); write each id out");
    }
    size_t start = node->start.offset;
    size_t length = node->end.offset - start;
    if (node->plain) {
        *ret_splice = (struct id_edit_splice){
            .offset = start, .remove = length, .opening = BYTES("\""), .closing = BYTES("\"")};
        return true;
    }
    if (length < 2 || (text.p[start] != '"' && text.p[start] != '\'')) {
        return error_at_place(e, &id->value_place, ERROR_CONFLICT,
                              "this id is a block of text (| or >); write it on one line");
    }
    *ret_splice = (struct id_edit_splice){.offset = start + 1, .remove = length - 2};
    return true;
}

/* `, id: "ID"` after the last value; where the keys are quoted as in JSON, so is this one. */
static void place_in_flow(struct bytes text, const struct yaml_node *mapping,
                          struct id_edit_splice *ret_splice)
{
    const struct yaml_pair *last = &mapping->pairs[mapping->count - 1];
    bool quoted = text.p[last->key->start.offset] == '"';
    *ret_splice = (struct id_edit_splice){
        .offset = edit_value_end(text, last),
        .opening = quoted ? BYTES(", \"id\": \"") : BYTES(", id: \""),
        .closing = BYTES("\""),
    };
}

/* A line after that of the last value, with the indentation of the last key. */
static bool place_on_line(struct bytes text, const struct yaml_node *mapping,
                          struct id_edit_splice *ret_splice, struct error *e)
{
    struct edit_new_line line;
    if (!edit_new_line_find(text, mapping, "id", &line, e)) {
        return false;
    }
    *ret_splice = (struct id_edit_splice){
        .offset = line.offset,
        .lead = line.lead,
        .indentation = line.indentation,
        .opening = BYTES("id: \""),
        .closing = BYTES("\""),
        .line_end = line.line_end,
    };
    return true;
}

bool id_edit_place_find(struct bytes text, const struct yaml_pair *pair,
                        struct id_edit_splice *ret_splice, struct error *e)
{
    const struct yaml_node *mapping = pair->value;
    if (pair->value_is_alias) {
        return error_at_place(e, &pair->value_place, ERROR_CONFLICT,
                              "this policy stands behind an alias (*), where it has no place for "
                              "an id of its own; write it out, or make it a shared policy");
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (bytes_equal(mapping->pairs[i].key->text, BYTES("id"))) {
            return place_of_old(text, &mapping->pairs[i], ret_splice, e);
        }
    }
    if (mapping->flow) {
        place_in_flow(text, mapping, ret_splice);
        return true;
    }
    return place_on_line(text, mapping, ret_splice, e);
}
