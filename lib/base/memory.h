/* Allocation that cannot fail, and cleanup at the end of a scope.
 *
 * Out of memory aborts, as in h2o and git: so every size that comes from outside is checked
 * against a named limit before it gets here. */
#ifndef LIB_BASE_MEMORY_H
#define LIB_BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

#include "lib/base/bytes.h"

/* Whether what lives as long as the process is freed at its end. Only who looks for leaks wants
 * that (the debug and sanitizer presets): the kernel takes at once what takes seconds to hand back
 * piece by piece, where there are a million names, and whoever stops us waits. */
#ifdef MTASTS_FAULTS
enum { MEMORY_FREED_AT_END = 1 };
#else
enum { MEMORY_FREED_AT_END = 0 };
#endif

/* The caller must look at the result. */
#define MUST_USE __attribute__((warn_unused_result))

/* Calls FUNCTION(&variable) when the variable leaves its scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Hands an owned pointer over: evaluates to it and leaves NULL behind for the cleanup. */
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* As their namesakes, but never NULL. memory_alloc(0) gives a pointer that may be freed. */
void *memory_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *memory_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));

/* A NUL-terminated copy; the caller frees it. */
char *memory_string(const char *s) __attribute__((malloc, returns_nonnull));
/* The same, or NULL where S is NULL. */
char *memory_string_or_null(const char *s) __attribute__((malloc));
char *memory_string_of(struct bytes b) __attribute__((malloc, returns_nonnull));
char *memory_printf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Makes room for one more element in a growing array: doubles when full. An expression, since a
 * block in a macro counts as one more level wherever it is used. */
#define ARRAY_GROW(array, count, capacity)                                                         \
    ((count) != (capacity)                                                                         \
         ? (void)0                                                                                 \
         : (void)((capacity) = (capacity) != 0 ? (capacity)*2 : 8,                                 \
                  (array) = memory_resize((array), (capacity), sizeof(*(array)))))

static inline void memory_free_cleanup(void *pointer)
{
    free(*(void **)pointer);
}
#define CLEANUP_FREE CLEANUP(memory_free_cleanup)

#endif
