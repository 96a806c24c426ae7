/* "N of M" on one line of a terminal that renews itself; nothing where standard error is none. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* "published" */
    size_t total;
    bool on;
    int64_t next_ms; /* not before then */
};

void progress_begin(struct progress *ret_progress, const char *what, size_t total);
/* One thread at a time. */
void progress_show(struct progress *progress, size_t done);
/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
