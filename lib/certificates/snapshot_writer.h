/* Writes a snapshot of pairs (lib/certificates/snapshot_format.h) to a file, mode 0600: it has
 * their private keys. */
#ifndef LIB_CERTIFICATES_SNAPSHOT_WRITER_H
#define LIB_CERTIFICATES_SNAPSHOT_WRITER_H

#include <stdatomic.h>

#include "lib/certificates/pair.h"

/* COUNT pairs in the order of their paths; those that come from no file are left out. Replaces PATH
 * atomically. STOP may be set by another thread: then false, ERROR_RETRY, and PATH is as it was. */
bool snapshot_write(const char *path, struct certificate_pair *const *pairs, size_t count,
                    const _Atomic bool *stop, struct error *e) MUST_USE;

#endif
