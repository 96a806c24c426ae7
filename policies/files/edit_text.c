#include "edit_text.h"

#include <ctype.h>

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

size_t edit_line_start(struct bytes text, size_t offset)
{
    while (offset > 0 && !is_line_end(text.p[offset - 1])) {
        offset--;
    }
    return offset;
}

struct bytes edit_line_end(struct bytes text, size_t offset)
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
    size_t start = edit_line_start(text, end);
    while (start > 0 && line_is_idle((struct bytes){text.p, end}, start)) {
        bool crlf = start > 1 && text.p[start - 1] == '\n' && text.p[start - 2] == '\r';
        end = start - (crlf ? 2 : 1);
        start = edit_line_start(text, end);
    }
    return end;
}

bool edit_is_block_scalar(struct bytes text, const struct yaml_node *node)
{
    struct bytes before = {text.p, node->end.offset};
    return node->kind == YAML_SCALAR && !node->plain && !bytes_ends_with(before, BYTES("\"")) &&
           !bytes_ends_with(before, BYTES("'"));
}

size_t edit_value_end(struct bytes text, const struct yaml_pair *pair)
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
    if (edit_is_block_scalar(text, node) || (node->kind != YAML_SCALAR && !node->flow)) {
        const struct yaml_node *last =
            node->kind == YAML_SEQUENCE && node->count != 0 ? node->items[node->count - 1] : node;
        /* An anchored item may be an alias to what stands elsewhere. */
        if (last == node || last->anchored || last->kind != YAML_SCALAR ||
            edit_is_block_scalar(text, last)) {
            return skip_idle_lines_back(text, node->end.offset);
        }
        return last->end.offset;
    }
    return node->end.offset;
}

bool edit_new_line_find(struct bytes text, const struct yaml_node *mapping, const char *what,
                        struct edit_new_line *ret_line, struct error *e)
{
    const struct yaml_pair *last = &mapping->pairs[mapping->count - 1];
    const struct yaml_place *key = &last->key->start;
    size_t start = edit_line_start(text, key->offset);
    struct edit_new_line line = {.indentation = {text.p + start, key->offset - start}};
    for (size_t i = 0; i < line.indentation.n; i++) {
        if (line.indentation.p[i] != ' ') {
            return error_at_place(e, key, ERROR_CONFLICT,
                                  "no %s can be put below this key, which does not begin its line; "
                                  "write each key on a line of its own",
                                  what);
        }
    }
    struct bytes line_end = edit_line_end(text, edit_value_end(text, last));
    line.offset = (size_t)(line_end.p - text.p) + line_end.n;
    if (line_end.n != 0) {
        line.line_end = line_end;
    } else {
        /* The last line of the file has no end, and shall have none afterwards. */
        struct bytes other = edit_line_end(text, start > 1 ? start - 2 : 0);
        line.lead = start > 0 ? other : BYTES("\n");
    }
    *ret_line = line;
    return true;
}
