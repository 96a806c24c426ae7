/* All that is wrong with one or several input files, collected so that one run tells everything.
 *
 * Printed as compilers do, so that editors can jump:
 *     FILE:LINE:COLUMN: error: WHAT; WHAT TO DO
 * LINE:COLUMN is left out where `line` is 0 (the file as a whole).
 *
 * Texts are safe to be shown (lib/base/safe_text.h), and so is what is formatted and printed here;
 * `file` is the name as it is, for who opens the file. */
#ifndef LIB_BASE_DIAGNOSTICS_H
#define LIB_BASE_DIAGNOSTICS_H

#include <stddef.h>
#include <stdio.h>

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct diagnostic {
    enum severity severity;
    char *file;
    unsigned line;
    unsigned column;
    char *text;
};

/* Zero-initialised is empty. */
struct diagnostics {
    struct diagnostic *items;
    size_t count;
    size_t capacity;
    size_t errors; /* how many of them are errors, the dropped ones included */
    size_t dropped;
};

/* Those that were dropped included. */
static inline size_t diagnostics_total(const struct diagnostics *d)
{
    return d->count + d->dropped;
}

/* More than this in one list is counted, not kept. */
enum { DIAGNOSTICS_MAX = 1000 };

struct error;

void diagnostics_add(struct diagnostics *d, enum severity severity, const char *file, unsigned line,
                     unsigned column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* E as an error of FILE at E's place. */
void diagnostics_add_error(struct diagnostics *d, const char *file, const struct error *e);

/* Appends copies of all of FROM. */
void diagnostics_append(struct diagnostics *d, const struct diagnostics *from);

/* By file, line, column; equal places keep their order. */
void diagnostics_sort(struct diagnostics *d);

/* One line, no newline; the caller frees it. */
char *diagnostic_format(const struct diagnostic *item);

void diagnostics_print(const struct diagnostics *d, FILE *out);
void diagnostics_clear(struct diagnostics *d);

#endif
