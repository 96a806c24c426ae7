/* An allocator that knows how much it has given out, for a library that takes one. Octets are
 * counted with what malloc adds to each piece. Of one thread.
 *
 *     struct counted_memory memory = {0};
 *     nghttp2_mem allocator = {&memory, counted_malloc, counted_free, counted_calloc,
 *                              counted_realloc}; */
#ifndef SERVER_ENGINE_COUNTED_MEMORY_H
#define SERVER_ENGINE_COUNTED_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct counted_memory {
    int64_t octets;
};

/* As malloc(3) and its kin; MEMORY is a struct counted_memory. Out of memory aborts. */
void *counted_malloc(size_t size, void *memory);
void *counted_calloc(size_t count, size_t size, void *memory);
void *counted_realloc(void *p, size_t size, void *memory);
void counted_free(void *p, void *memory);

#endif
