/* Tables for people: one writer for all commands. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include <jansson.h>

/* What every table of names begins with. */
enum { TABLE_NAME_WIDTH = 40 };

/* A line: cells made safe for eyes (lib/base/safe_text.h), each padded to its width, but for the
 * last one: a width of 0 ends it. */
struct table_cell {
    const char *text;
    int width;
};
void table_print_line(FILE *out, const char *indent, const struct table_cell *cells);

/* The first items of LIST, a line each by PRINT; where there are more, MORE says where. */
void table_print_first(FILE *out, const json_t *list, const char *more,
                       void (*print)(const json_t *item, int64_t now_s, FILE *out), int64_t now_s);

#endif
