#include "id_edit_place.h"

#include <ctype.h>

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Where the line that holds OFFSET begins. */
static size_t line_start(struct bytes text, size_t offset)
{
    while (offset > 0 && !is_line_end(text.p[offset - 1])) {
        offset--;
    }
    return offset;
}

/* The line end at or after OFFSET, empty at the end of the text. */
static struct bytes next_line_end(struct bytes text, size_t offset)
{
    while (offset < text.n && !is_line_end(text.p[offset])) {
        offset++;
    }
    struct bytes rest = bytes_skip(text, offset);
    size_t n = bytes_starts_with(rest, BYTES("\r\n")) ? 2 : 1;
    return (struct bytes){rest.p, rest.n < n ? rest.n : n};
}

/* Blank, or a comment alone. */
static bool line_is_idle(struct bytes text, size_t start)
{
    while (start < text.n && (text.p[start] == ' ' || text.p[start] == '\t')) {
        start++;
    }
    return start == text.n || is_line_end(text.p[start]) || text.p[start] == '#';
}

/* The end of the last line before END with something on it. */
static size_t skip_idle_lines_back(struct bytes text, size_t end)
{
    size_t start = line_start(text, end);
    while (start > 0 && line_is_idle((struct bytes){text.p, end}, start)) {
        bool crlf = start > 1 && text.p[start - 1] == '\n' && text.p[start - 2] == '\r';
        end = start - (crlf ? 2 : 1);
        start = line_start(text, end);
    }
    return end;
}

static bool is_block_scalar(struct bytes text, const struct yaml_node *node)
{
    struct bytes before = {text.p, node->end.offset};
    return node->kind == YAML_SCALAR && !node->plain && !bytes_ends_with(before, BYTES("\"")) &&
           !bytes_ends_with(before, BYTES("'"));
}

/* Just past the last character of a value, without what libyaml counts to it: the comments and
 * blank lines that follow a block collection. */
static size_t value_end(struct bytes text, const struct yaml_pair *pair)
{
    const struct yaml_node *node = pair->value;
    if (pair->value_is_alias) {
        size_t end = pair->value_place.offset + 1;
        while (end < text.n &&
               (isalnum((unsigned char)text.p[end]) || text.p[end] == '-' || text.p[end] == '_')) {
            end++;
        }
        return end;
    }
    if (is_block_scalar(text, node) || (node->kind != YAML_SCALAR && !node->flow)) {
        const struct yaml_node *last =
            node->kind == YAML_SEQUENCE && node->count != 0 ? node->items[node->count - 1] : node;
        /* An anchored item may be an alias to what stands elsewhere. */
        if (last == node || last->anchored || last->kind != YAML_SCALAR ||
            is_block_scalar(text, last)) {
            return skip_idle_lines_back(text, node->end.offset);
        }
        return last->end.offset;
    }
    return node->end.offset;
}

static bool place_of_old(struct bytes text, const struct yaml_pair *id,
                         struct id_edit_splice *ret_splice, struct error *e)
{
    const struct yaml_node *node = id->value;
    if (id->value_is_alias || node->anchored) {
        return id_edit_error_at(e, &id->value_place, ERROR_CONFLICT,
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
        return id_edit_error_at(e, &id->value_place, ERROR_CONFLICT,
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
        .offset = value_end(text, last),
        .opening = quoted ? BYTES(", \"id\": \"") : BYTES(", id: \""),
        .closing = BYTES("\""),
    };
}

/* A line after that of the last value, with the indentation of the last key. */
static bool place_on_line(struct bytes text, const struct yaml_node *mapping,
                          struct id_edit_splice *ret_splice, struct error *e)
{
    const struct yaml_pair *last = &mapping->pairs[mapping->count - 1];
    const struct yaml_place *key = &last->key->start;
    size_t start = line_start(text, key->offset);
    struct bytes indentation = {text.p + start, key->offset - start};
    for (size_t i = 0; i < indentation.n; i++) {
        if (indentation.p[i] != ' ') {
            return id_edit_error_at(e, key, ERROR_CONFLICT,
                                    "no id can be put below this key, which does not begin its "
                                    "line; write each key on a line of its own");
        }
    }
    struct id_edit_splice splice = {
        .indentation = indentation, .opening = BYTES("id: \""), .closing = BYTES("\"")};
    struct bytes line_end = next_line_end(text, value_end(text, last));
    splice.offset = (size_t)(line_end.p - text.p) + line_end.n;
    if (line_end.n != 0) {
        splice.line_end = line_end;
    } else {
        /* The last line of the file has no end, and shall have none afterwards. */
        struct bytes other = next_line_end(text, start > 1 ? start - 2 : 0);
        splice.lead = start > 0 ? other : BYTES("\n");
    }
    *ret_splice = splice;
    return true;
}

bool id_edit_place_find(struct bytes text, const struct yaml_pair *pair,
                        struct id_edit_splice *ret_splice, struct error *e)
{
    const struct yaml_node *mapping = pair->value;
    if (pair->value_is_alias) {
        return id_edit_error_at(e, &pair->value_place, ERROR_CONFLICT,
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
