/* The access log. A worker puts a record into its own ring (one writer, one reader, no lock) and
 * goes on; a thread of the log's own writes to the file, or to the log. Where the ring is full the
 * record is dropped and counted, and the count logged. */
#ifndef SERVER_ENGINE_ACCESS_LOG_H
#define SERVER_ENGINE_ACCESS_LOG_H

#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "server/engine/access_record.h"

struct access_log;

enum { ACCESS_LOG_RING = 1024 }; /* records per worker; a power of two */

/* FILE (0640, appended to) or NULL: events `http.request` in LOG. LOG is borrowed. */
bool access_log_open(enum settings_access_log format, const char *file, size_t workers,
                     struct log *log, struct access_log **ret_access, struct error *e) MUST_USE;
/* Writes what is left. No worker may be running. NULL is fine. */
void access_log_close(struct access_log *access);

/* Opens the file anew, after a rotation; where that fails the old one stays. Any thread; NULL is
 * fine. */
void access_log_reopen(struct access_log *access);

/* On worker WORKER's thread: where its next record goes, all of which is then set, or NULL: full.
 * To be followed by access_log_commit. */
struct access_record *access_log_next(struct access_log *access, size_t worker);
void access_log_commit(struct access_log *access, size_t worker);

#endif
