#include "counted_memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* glibc knows the size of each piece, so none need be kept beside it. */
static void *count(void *p, void *memory)
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
    return count(malloc(size != 0 ? size : 1), memory);
}

void *counted_calloc(size_t n, size_t size, void *memory)
{
    return count(calloc(n != 0 ? n : 1, size != 0 ? size : 1), memory);
}

void *counted_realloc(void *p, size_t size, void *memory)
{
    if (p != NULL) {
        forget(p, memory);
    }
    return count(realloc(p, size != 0 ? size : 1), memory);
}

void counted_free(void *p, void *memory)
{
    if (p != NULL) {
        forget(p, memory);
        free(p);
    }
}
