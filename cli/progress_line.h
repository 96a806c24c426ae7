/* "N of M" on one line of a terminal that renews itself; nothing where standard error is none.
 *
 *     struct progress_line line = progress_line_begin();
 *     … .progress = {progress_line_show, &line} …
 *     progress_line_end(&line);                                takes the line away */
#ifndef CLI_PROGRESS_LINE_H
#define CLI_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_line {
    bool on;
    int64_t next_ms; /* not before then */
};

struct progress_line progress_line_begin(void);
/* For lib/base/progress.h; CONTEXT is the line. */
void progress_line_show(const char *what, size_t done, size_t total, void *context);
void progress_line_end(struct progress_line *line);

#endif
