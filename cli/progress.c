#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"

enum { INTERVAL_MS = 100 };

void progress_begin(struct progress *ret_progress, const char *what, size_t total)
{
    *ret_progress =
        (struct progress){.what = what, .total = total, .on = isatty(STDERR_FILENO) == 1};
}

void progress_show(struct progress *progress, size_t done)
{
    int64_t now_ms = progress->on ? clock_monotonic_ms() : 0;
    if (progress->on && (now_ms >= progress->next_ms || done == progress->total)) {
        fprintf(stderr, "\r%zu of %zu %s", done, progress->total, progress->what);
        fflush(stderr);
        progress->next_ms = now_ms + INTERVAL_MS;
    }
}

void progress_end(struct progress *progress)
{
    if (progress->on && progress->next_ms != 0) {
        fputs("\r\033[K", stderr);
    }
    progress->on = false;
}
