#include "counted_memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* glibc knows the size of each piece, so none need be kept beside it. */
static void *add(void *p, void *memory)
{
    if (p == NULL) {
        abort();
    }
    ((struct counted_memory *)memory)->octets += (int64_t)malloc_usable_size(p);
    return p;
}

static void forget(void *p, void *memory)
{
    ((struct counted_memory *)memory)->octets -= (int64_t)malloc_usable_size(p);
}

void *counted_malloc(size_t size, void *memory)
{
    return add(malloc(size != 0 ? size : 1), memory);
}

void *counted_calloc(size_t count, size_t size, void *memory)
{
    return add(calloc(count != 0 ? count : 1, size != 0 ? size : 1), memory);
}

void *counted_realloc(void *p, size_t size, void *memory)
{
    if (p != NULL) {
        forget(p, memory);
    }
    return add(realloc(p, size != 0 ? size : 1), memory);
}

void counted_free(void *p, void *memory)
{
    if (p != NULL) {
        forget(p, memory);
        free(p);
    }
}
