/* libh2o 2.2.5 prints "skipping frame (type:N)" to stderr for every HTTP/2 frame of a type unknown
 * to it, which any client may send by the million. */
#ifndef SERVER_STDERR_FILTER_H
#define SERVER_STDERR_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* From now on what this process writes through stdio's `stderr` passes a filter that drops those
 * lines. The log, which writes to the descriptor, is not concerned. Before threads start; lasts to
 * the end of the process. */
void stderr_filter_install(void);

/* Whether the filter drops TEXT. */
bool stderr_filter_drops(const char *text, size_t n);

#endif
