#include "progress_line.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"

enum { INTERVAL_MS = 100 };

struct progress_line progress_line_begin(void)
{
    return (struct progress_line){.on = isatty(STDERR_FILENO) == 1};
}

void progress_line_show(const char *what, size_t done, size_t total, void *context)
{
    struct progress_line *line = context;
    int64_t now_ms = line->on ? clock_monotonic_ms() : 0;
    if (line->on && (now_ms >= line->next_ms || done == total)) {
        fprintf(stderr, "\r%zu of %zu %s", done, total, what);
        fflush(stderr);
        line->next_ms = now_ms + INTERVAL_MS;
    }
}

void progress_line_end(struct progress_line *line)
{
    if (line->next_ms != 0) {
        fputs("\r\033[K", stderr);
    }
    line->on = false;
}
