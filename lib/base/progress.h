/* How far a long job is, told to whoever started it. Zero-initialised: nobody wants to know. */
#ifndef LIB_BASE_PROGRESS_H
#define LIB_BASE_PROGRESS_H

#include <stddef.h>

struct progress {
    /* WHAT is a literal: "records". One thread at a time. */
    void (*show)(const char *what, size_t done, size_t total, void *context);
    void *context;
};

static inline void progress_show(const struct progress *progress, const char *what, size_t done,
                                 size_t total)
{
    if (progress->show != NULL) {
        progress->show(what, done, total, progress->context);
    }
}

#endif
