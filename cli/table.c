#include "table.h"

#include "lib/base/safe_text.h"

enum { ITEMS_SHOWN = 10 };

void table_print_line(FILE *out, const char *indent, const struct table_cell *cells)
{
    fputs(indent, out);
    for (; cells->width != 0; cells++) {
        fprintf(out, "%-*s ", cells->width, SAFE_TEXT(cells->text));
    }
    fprintf(out, "%s\n", SAFE_TEXT(cells->text));
}

void table_print_first(FILE *out, const json_t *list, const char *more,
                       void (*print)(const json_t *item, int64_t now_s, FILE *out), int64_t now_s)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        if (i == ITEMS_SHOWN) {
            fprintf(out, "  ... (%s)\n", more);
            break;
        }
        print(item, now_s, out);
    }
}
