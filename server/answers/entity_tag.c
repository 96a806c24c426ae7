#include "entity_tag.h"

static struct bytes skip_blanks(struct bytes list)
{
    while (list.n != 0 && (*list.p == ' ' || *list.p == '\t')) {
        list = bytes_skip(list, 1);
    }
    return list;
}

/* RFC 9110 §5.6.1: empty elements count for nothing. */
static struct bytes skip_commas(struct bytes list)
{
    list = skip_blanks(list);
    while (list.n != 0 && *list.p == ',') {
        list = skip_blanks(bytes_skip(list, 1));
    }
    return list;
}

/* Takes the next entity tag off *LIST, its mark of weakness left out. False: there is none. */
static bool next_tag(struct bytes *list, struct bytes *ret_tag)
{
    struct bytes text = bytes_starts_with(*list, BYTES("W/")) ? bytes_skip(*list, 2) : *list;
    const char *end = text.n > 1 && *text.p == '"' ? memchr(text.p + 1, '"', text.n - 1) : NULL;
    if (end == NULL) {
        return false;
    }
    *ret_tag = (struct bytes){text.p, (size_t)(end - text.p) + 1};
    *list = skip_blanks(bytes_skip(text, ret_tag->n));
    return true;
}

bool entity_tag_matches(struct bytes list, struct bytes tag)
{
    struct bytes item;
    list = skip_commas(list);
    if (list.n != 0 && *list.p == '*') {
        return skip_commas(bytes_skip(list, 1)).n == 0;
    }
    while (next_tag(&list, &item)) {
        if (bytes_equal(item, tag)) {
            return true;
        }
        if (list.n != 0 && *list.p != ',') {
            return false;
        }
        list = skip_commas(list);
    }
    return false;
}
