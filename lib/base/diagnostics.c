#include "diagnostics.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/base/safe_text.h"

static void add_text(struct diagnostics *d, struct diagnostic item)
{
    if (item.severity == SEVERITY_ERROR) {
        d->errors++;
    }
    if (d->count == DIAGNOSTICS_MAX) {
        d->dropped++;
        free(item.file);
        free(item.text);
        return;
    }
    ARRAY_GROW(d->items, d->count, d->capacity);
    d->items[d->count++] = item;
}

void diagnostics_add(struct diagnostics *d, enum severity severity, const char *file, unsigned line,
                     unsigned column, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = memory_string(format);
    }
    va_end(arguments);
    add_text(d, (struct diagnostic){severity, memory_string(file), line, column,
                                    safe_text_copy(bytes_of(text))});
    free(text);
}

void diagnostics_add_error(struct diagnostics *d, const char *file, const struct error *e)
{
    add_text(d, (struct diagnostic){SEVERITY_ERROR, memory_string(file), e->line, e->column,
                                    memory_string(e->text)});
}

void diagnostics_append(struct diagnostics *d, const struct diagnostics *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct diagnostic *item = &from->items[i];
        add_text(d, (struct diagnostic){item->severity, memory_string(item->file), item->line,
                                        item->column, memory_string(item->text)});
    }
}

static int by_place(const void *left, const void *right)
{
    const struct diagnostic *a = left;
    const struct diagnostic *b = right;
    int order = strcmp(a->file, b->file);
    if (order == 0) {
        order = (a->line > b->line) - (a->line < b->line);
    }
    if (order == 0) {
        order = (a->column > b->column) - (a->column < b->column);
    }
    return order;
}

void diagnostics_sort(struct diagnostics *d)
{
    /* An insertion sort: stable, at most DIAGNOSTICS_MAX items, and nearly sorted already. */
    for (size_t i = 1; i < d->count; i++) {
        struct diagnostic item = d->items[i];
        size_t at = i;
        while (at > 0 && by_place(&d->items[at - 1], &item) > 0) {
            d->items[at] = d->items[at - 1];
            at--;
        }
        d->items[at] = item;
    }
}

char *diagnostic_format(const struct diagnostic *item)
{
    const char *severity = item->severity == SEVERITY_ERROR ? "error" : "warning";
    CLEANUP_FREE char *file = safe_text_copy(bytes_of(item->file));
    if (item->line == 0) {
        return memory_printf("%s: %s: %s", file, severity, item->text);
    }
    return memory_printf("%s:%u:%u: %s: %s", file, item->line, item->column, severity, item->text);
}

void diagnostics_print(const struct diagnostics *d, FILE *out)
{
    for (size_t i = 0; i < d->count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d->items[i]);
        fprintf(out, "%s\n", line);
    }
    if (d->dropped != 0) {
        fprintf(out, "… and %zu more\n", d->dropped);
    }
}

void diagnostics_clear(struct diagnostics *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->items[i].file);
        free(d->items[i].text);
    }
    free(d->items);
    *d = (struct diagnostics){0};
}
