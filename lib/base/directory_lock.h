/* One run at a time edits the files of a directory: flock(2) on the directory itself, which leaves
 * nothing behind, not after a crash either. Readers and the server take no notice. */
#ifndef LIB_BASE_DIRECTORY_LOCK_H
#define LIB_BASE_DIRECTORY_LOCK_H

#include "lib/base/error.h"

/* How long to wait for another run to end. */
enum { DIRECTORY_LOCK_WAIT_MS = 10000 };

/* Waits; then fails with ERROR_CONFLICT. Closing *RET_FD releases. */
bool directory_lock(const char *directory, int *ret_fd, struct error *e) MUST_USE;

#endif
