/* What is served, on its way into the memory (policies/memory/served_memory.h): publishing comes
 * first, the disk after it, on a thread of its own, since a million domains take seconds and a full
 * disk any time. The loader notes what is to be written and hands it over, slice by slice, whenever
 * the writer wants more; so what waits here is one slice, however slow the disk is.
 *
 *     memory_writer_fd(writer) is readable:
 *     if (memory_writer_wants(writer, &afresh)) {
 *         if (afresh) {
 *             memory_writer_forget_all(writer);        then all that is served is put
 *         }
 *         memory_writer_put(writer, &file, &version);  some of what is unwritten
 *         memory_writer_write(writer, more);
 *     }
 *
 * Of several processes on one state directory one writes, by a lock; the others try to get it each
 * second, and want nothing meanwhile. What cannot be written is logged once, and tried again after
 * MEMORY_WRITER_RETRY_MS, doubled each time up to MEMORY_WRITER_RETRY_MAX_MS. After a failure, and
 * with the lock, it wants all *afresh*: what the file says then may be anybody's. Handed over
 * before that was said, it is dropped. A file that is damaged is set aside, with a warning, and a
 * new one is begun.
 *
 * Fault points (lib/base/fault.h), all on the writer's thread: `memory.create` (the file is there,
 * or is about to be), `memory.put`, `memory.remove`, `memory.clear` (each done, not committed),
 * `memory.commit` (before it), `memory.committed` (after it).
 *
 * The calls are the loader thread's but where a line says otherwise. */
#ifndef POLICIES_MEMORY_MEMORY_WRITER_H
#define POLICIES_MEMORY_MEMORY_WRITER_H

#include "lib/base/log.h"
#include "policies/memory/served_memory.h"

enum {
    MEMORY_WRITER_LOCK_MS = 1000,
    MEMORY_WRITER_RETRY_MS = 10 * 1000,
    MEMORY_WRITER_RETRY_MAX_MS = 5 * 60 * 1000,
    MEMORY_WRITER_SLICES = 64, /* of one transaction */
};

struct memory_writer;

/* In the directory STATE. Fails only where there can be no thread. LOG is borrowed. */
bool memory_writer_open(const char *state, struct log *log, struct memory_writer **ret_writer,
                        struct error *e) MUST_USE;
/* The file has been read by whoever wants to know what was served: from here on it is opened, and
 * set aside where it is damaged. */
void memory_writer_begin(struct memory_writer *writer);
/* Writes what was handed over before it returns, but for a transaction whose end was not: that is
 * left out. NULL is fine. */
void memory_writer_close(struct memory_writer *writer);

/* Whether the file says what it said when the writer was opened, but for what this one wrote: it
 * had the lock from there on, and has not begun a new file. To be asked when all is wanted afresh.
 */
bool memory_writer_is_as_found(struct memory_writer *writer);

/* Whether it writes at all now: not while another process has the lock, nor between two tries. */
bool memory_writer_is_able(struct memory_writer *writer);

/* Becomes readable each time the writer comes to want more; memory_writer_wants makes it
 * unreadable. For poll(2); borrowed. */
int memory_writer_fd(const struct memory_writer *writer);

/* Whether it wants more: nothing that was handed over is unwritten, and this process holds the
 * lock. *RET_AFRESH: for the first time since it got the lock (at first, or from a process that
 * ended), or since a failure: all that is served is to be handed over, beginning with
 * memory_writer_forget_all. */
bool memory_writer_wants(struct memory_writer *writer, bool *ret_afresh) MUST_USE;

/* FILE stands with VERSION (version_record_add), which is taken: *VERSION is empty afterwards. One
 * that has overflowed is not remembered, and what was of that file is removed. */
void memory_writer_put(struct memory_writer *writer, const struct served_file *file,
                       struct buffer *version);
void memory_writer_remove(struct memory_writer *writer, struct bytes entry, struct bytes path);
/* What is not put again in the same transaction goes with its end. */
void memory_writer_forget_all(struct memory_writer *writer);

/* Hands over what was put since the last call, in order; nothing at all is fine. MORE: what the
 * next call hands over belongs to the same transaction (a domain that moved between files), which
 * is committed with the first that has no more, or after MEMORY_WRITER_SLICES. One that began with
 * memory_writer_forget_all is not committed before its end, however many slices it has. */
void memory_writer_write(struct memory_writer *writer, bool more);

/* Whether all that was handed over is committed. Any thread. */
bool memory_writer_is_written(const struct memory_writer *writer);
/* Why the memory cannot be written now, for `status`; NULL: it can, or is another process's. The
 * caller frees it. Any thread. */
char *memory_writer_problem(struct memory_writer *writer);
/* What waits for a later try is tried now: the operator says that it works again. Any thread. */
void memory_writer_retry_now(struct memory_writer *writer);

#endif
