#include "entity_tag.h"

static struct bytes skip_blanks_and_commas(struct bytes list)
{
    while (list.n != 0 && (*list.p == ' ' || *list.p == '\t' || *list.p == ',')) {
        list = bytes_skip(list, 1);
    }
    return list;
}

bool entity_tag_matches(struct bytes list, struct bytes tag)
{
    list = skip_blanks_and_commas(list);
    if (list.n != 0 && *list.p == '*') {
        struct bytes rest = skip_blanks_and_commas(bytes_skip(list, 1));
        return rest.n == 0;
    }
    while (list.n != 0) {
        if (bytes_starts_with(list, BYTES("W/"))) {
            list = bytes_skip(list, 2);
        }
        if (list.n == 0 || *list.p != '"') {
            return false;
        }
        const char *end = memchr(list.p + 1, '"', list.n - 1);
        if (end == NULL) {
            return false;
        }
        struct bytes item = {list.p, (size_t)(end - list.p) + 1};
        if (bytes_equal(item, tag)) {
            return true;
        }
        list = skip_blanks_and_commas(bytes_skip(list, item.n));
    }
    return false;
}
