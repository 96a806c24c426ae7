/* The memory of what is served: for each policy file whose text stands, where it lies, which file
 * it was, and what it was parsed to. A start takes the served world from here and then looks at the
 * disk; the command line asks here who owns a name where no server answers. What was served before,
 * and until when, is policies/memory/history.h's.
 *
 *     struct served_memory *memory = NULL;
 *     bool known = served_memory_open_existing(state, &memory, e) &&
 *                  served_memory_each(memory, visit, context, e);  notes each row's `id`
 *     …
 *     served_memory_version(memory, id, &version, e);               by a thread's own handle
 *
 * SQLite (WAL, synchronous=FULL), file `served.db` in the state directory, 0600. Rows and versions
 * lie in tables of their own, so that listing reads no version. Each row has a digest over all that
 * it says: one that was damaged is an error, never another row. What a version is, its writer knows
 * (policies/files/version_record.h).
 *
 * Threads: a handle is one thread's at a time, and there may be as many handles as one likes, in
 * any number of processes (SQLite's multi-thread mode). Readers see the last transaction that was
 * committed, whole, and hold up nobody. One process writes: who holds served_memory_lock.
 *
 * Errors: ERROR_SYNTAX for a file that is damaged, ERROR_CONFLICT for one that a newer program
 * made, ERROR_NOT_FOUND where there is none, ERROR_RETRY where another program held it for longer
 * than a few seconds, ERROR_SYSTEM for all else: a full disk, a directory that cannot be written.
 */
#ifndef POLICIES_MEMORY_SERVED_MEMORY_H
#define POLICIES_MEMORY_SERVED_MEMORY_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/file.h"

struct served_memory;

struct served_file {
    int64_t id;         /* of its row, for served_memory_version; served_memory_put ignores it */
    struct bytes entry; /* of `policies`, as the configuration writes it; "" for a shared policy
                           that no file defines any more */
    struct bytes path;  /* below the entry, without a slash in front; "" where the entry is the file
                           itself; "@NAME" for such a shared policy */
    struct file_identity identity; /* of the file whose text stands */
    bool line_end;                 /* that text ended with a line end */
    bool held;                     /* what it says since waits for an operator's word … */
    bool gone;                     /* … and that is: nothing, it is not there */
    uint64_t reader; /* what it was parsed with (version_record_reader): where it is another one
                        now, the file is parsed again */
};

/* The writer's handle, for who holds served_memory_lock. The file is made where it is missing, and
 * read whole where it is not, which takes a moment. One that is damaged anywhere is set aside
 * (served_memory_set_aside), a new one is begun, and *RET_NEWS, which the caller frees, says so;
 * else it is NULL. One of a newer program is ERROR_CONFLICT, and is not touched. */
bool served_memory_open(const char *state, struct served_memory **ret_memory, char **ret_news,
                        struct error *e) MUST_USE;
/* A reader's handle: never makes or changes anything, and may be in a directory that cannot be
 * written. */
bool served_memory_open_existing(const char *state, struct served_memory **ret_memory,
                                 struct error *e) MUST_USE;
/* What was not committed is rolled back. NULL is fine. */
void served_memory_close(struct served_memory *memory);

/* No handle of this process may be open. The file becomes `served.db.damaged`, in the place of one
 * set aside before. *RET_NEWS, which the caller frees, says so. */
bool served_memory_set_aside(const char *state, char **ret_news, struct error *e) MUST_USE;

/* *RET_FD holds the lock (flock(2) on `served.lock` in STATE) until it is closed; -1: another
 * process has it. */
bool served_memory_lock(const char *state, int *ret_fd, struct error *e) MUST_USE;

/* Calls VISIT for each file, by entry and then by path, in the order of octets. Views are valid
 * during the call, which may ask MEMORY for versions. */
bool served_memory_each(struct served_memory *memory,
                        void (*visit)(const struct served_file *file, void *context), void *context,
                        struct error *e) MUST_USE;
/* Appends to VERSION the octets that were put for the file ID. ERROR_NOT_FOUND: another process has
 * removed or replaced it since it was listed. */
bool served_memory_version(struct served_memory *memory, int64_t id, struct buffer *version,
                           struct error *e) MUST_USE;

/* Writing is between begin and commit: after a crash all of it is there, or nothing. */
bool served_memory_begin(struct served_memory *memory, struct error *e) MUST_USE;
/* On the disk when it returns. Where it fails nothing was written, and there is no transaction. */
bool served_memory_commit(struct served_memory *memory, struct error *e) MUST_USE;

/* FILE (by entry and path) stands with VERSION from now on. Where that is what the memory says
 * already nothing is written; where VERSION is the same, it is not written again. */
bool served_memory_put(struct served_memory *memory, const struct served_file *file,
                       struct bytes version, struct error *e) MUST_USE;
/* It is fine where there was none. */
bool served_memory_remove(struct served_memory *memory, struct bytes entry, struct bytes path,
                          struct error *e) MUST_USE;
/* All that is not put again in this transaction goes with its commit: a memory that says the same
 * afterwards is not written anew. */
bool served_memory_clear(struct served_memory *memory, struct error *e) MUST_USE;

#endif
