/* Owned, growing text with a hard cap, as curl's dynbuf.
 *
 *     CLEANUP(buffer_clear) struct buffer b = BUFFER(64 * 1024);
 *     buffer_printf(&b, "mode: %s\r\n", mode);
 *     if (b.overflow) …
 *
 * What would pass the cap sets `overflow` and is dropped, with all that follows: one look at the
 * end is enough. `p` is NUL-terminated when not NULL. */
#ifndef LIB_BASE_BUFFER_H
#define LIB_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/bytes.h"

struct buffer {
    char *p;
    size_t n;
    size_t capacity;
    size_t max;
    bool overflow;
};

#define BUFFER(max_octets) ((struct buffer){.max = (max_octets)})

void buffer_add(struct buffer *b, struct bytes text);
void buffer_add_string(struct buffer *b, const char *s);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for N more octets and returns where they go, or NULL (and `overflow`) past the cap;
 * the caller writes there and adds to `n` itself. */
char *buffer_reserve(struct buffer *b, size_t n);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
    return (struct bytes){b->p != NULL ? b->p : "", b->n};
}

/* Hands the text over (never NULL) and leaves the buffer empty; the caller frees it. */
char *buffer_take(struct buffer *b);

/* Empties without giving memory back. */
void buffer_reset(struct buffer *b);
void buffer_clear(struct buffer *b);
/* Empties, as buffer_reset, and overwrites what is in it: a secret. */
void buffer_erase(struct buffer *b);
/* As buffer_clear for what held a secret: all its memory is overwritten before. What a growing
 * buffer has moved away from is not: reserve enough at once. */
void buffer_wipe(struct buffer *b);

#endif
