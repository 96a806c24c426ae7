#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("mtasts-host: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *memory_alloc(size_t size)
{
    return checked(malloc(size != 0 ? size : 1));
}

void *memory_zero(size_t count, size_t size)
{
    return checked(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *memory_resize(void *p, size_t count, size_t size)
{
    return checked(reallocarray(p, count != 0 ? count : 1, size != 0 ? size : 1));
}

char *memory_string(const char *s)
{
    return checked(strdup(s));
}

char *memory_string_or_null(const char *s)
{
    return s != NULL ? memory_string(s) : NULL;
}

char *memory_string_of(struct bytes b)
{
    char *s = memory_alloc(b.n + 1);
    if (b.n != 0) {
        memcpy(s, b.p, b.n);
    }
    s[b.n] = '\0';
    return s;
}

char *memory_printf(const char *format, ...)
{
    char *s = NULL;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&s, format, arguments);
    va_end(arguments);
    return checked(n < 0 ? NULL : s);
}
