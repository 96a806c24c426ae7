#include "stderr_filter.h"

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/bytes.h"

bool stderr_filter_drops(const char *text, size_t n)
{
    return bytes_starts_with((struct bytes){text, n}, BYTES("skipping frame (type:"));
}

static ssize_t filter(void *cookie, const char *text, size_t n)
{
    (void)cookie;
    return stderr_filter_drops(text, n) ? (ssize_t)n : write(STDERR_FILENO, text, n);
}

void stderr_filter_install(void)
{
    FILE *filtered = fopencookie(NULL, "w", (cookie_io_functions_t){.write = filter});
    if (filtered != NULL) {
        /* A line is one call: what fprintf makes of one format stays together. */
        (void)setvbuf(filtered, NULL, _IOLBF, 0);
        stderr = filtered; /* glibc: stderr is a variable */
    }
}
