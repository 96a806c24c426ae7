/* Policy files from the snapshot that an earlier process wrote (policies/policy_snapshot.h), and
 * writing it.
 *
 *     struct snapshot_file *file = policy_snapshot_open(path, &defaults);   NULL: there is none
 *                                                                           that is good
 *     struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(file);     one per thread
 *     if (!policy_snapshot_recall(cursor, path, &identity, &reading)) …     read and parse it
 *
 * Only files that were read without a complaint are in it, parsed with the same defaults. */
#ifndef LOADER_POLICY_SNAPSHOT_FILE_H
#define LOADER_POLICY_SNAPSHOT_FILE_H

#include <stdatomic.h>

#include "loader/policy_reading.h"
#include "policies/policy_snapshot.h"

/* The caller closes it with snapshot_file_close. */
struct snapshot_file *policy_snapshot_open(const char *path,
                                           const struct policy_file_defaults *defaults);

/* The file PATH as it was read while it was IDENTITY, which is what it is now. False: it is not in
 * the snapshot. */
bool policy_snapshot_recall(struct snapshot_file_cursor *cursor, const char *path,
                            const struct file_identity *identity,
                            struct policy_reading *ret_reading) MUST_USE;

/* Writes what the COUNT FILES (paths in their order) say now: those that are in the snapshot PATH
 * as they are come from there, the others are read; those in error are left out. Replaces PATH
 * atomically. STOP may be set by another thread: then false, ERROR_RETRY, and PATH is as it
 * was. */
bool policy_snapshot_write(const char *path, char *const *files, size_t count,
                           const struct policy_file_defaults *defaults, const _Atomic bool *stop,
                           struct error *e) MUST_USE;

#endif
