/* Memory for what must not get out of the process and is kept for long: private keys, keys of
 * session tickets. It is in no core dump (MADV_DONTDUMP in madvise(2)), whatever `core_dumps` says,
 * and overwritten when it is given back.
 *
 * As malloc(3) there is one for the whole process, and any thread may use it. Pieces are cut from
 * few large ones, in steps of 16 octets: a hundred thousand keys of 32 octets take 3 MB. What is
 * given back is kept for the next piece of its size. It is not locked against swapping: limits for
 * that (RLIMIT_MEMLOCK) are a few keys' worth; encrypt the swap. */
#ifndef LIB_BASE_SECRET_MEMORY_H
#define LIB_BASE_SECRET_MEMORY_H

#include <stddef.h>

#include "lib/base/bytes.h"

/* SIZE octets, all zero, aligned to 16; never NULL. */
void *secret_memory_new(size_t size) __attribute__((malloc, returns_nonnull));
/* Overwrites P, which has SIZE octets, and gives it back. NULL is fine. */
void secret_memory_free(void *p, size_t size);

/* A copy of SECRET. */
void *secret_memory_copy(struct bytes secret) __attribute__((returns_nonnull));

#endif
