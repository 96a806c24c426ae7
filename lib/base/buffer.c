#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/memory.h"

char *buffer_reserve(struct buffer *b, size_t n)
{
    if (b->overflow || n > b->max - b->n) {
        b->overflow = true;
        return NULL;
    }
    size_t wanted = b->n + n + 1;
    if (wanted > b->capacity) {
        size_t capacity = b->capacity != 0 ? b->capacity : 64;
        while (capacity < wanted) {
            capacity *= 2;
        }
        b->p = memory_resize(b->p, capacity, 1);
        b->capacity = capacity;
    }
    return b->p + b->n;
}

void buffer_add(struct buffer *b, struct bytes text)
{
    char *end = buffer_reserve(b, text.n);
    if (end == NULL) {
        return;
    }
    if (text.n != 0) {
        memcpy(end, text.p, text.n);
    }
    b->n += text.n;
    b->p[b->n] = '\0';
}

void buffer_add_string(struct buffer *b, const char *s)
{
    buffer_add(b, bytes_of(s));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *end = n < 0 ? NULL : buffer_reserve(b, (size_t)n);
    if (end == NULL) {
        b->overflow = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(end, (size_t)n + 1, format, arguments);
    va_end(arguments);
    b->n += (size_t)n;
}

char *buffer_take(struct buffer *b)
{
    char *p = b->p != NULL ? b->p : memory_string("");
    *b = BUFFER(b->max);
    return p;
}

void buffer_reset(struct buffer *b)
{
    b->n = 0;
    b->overflow = false;
    if (b->p != NULL) {
        b->p[0] = '\0';
    }
}

void buffer_erase(struct buffer *b)
{
    if (b->p != NULL) {
        explicit_bzero(b->p, b->n);
    }
    buffer_reset(b);
}

void buffer_clear(struct buffer *b)
{
    free(b->p);
    *b = BUFFER(b->max);
}

void buffer_wipe(struct buffer *b)
{
    if (b->p != NULL) {
        explicit_bzero(b->p, b->capacity);
    }
    buffer_clear(b);
}
