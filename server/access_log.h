/* The access log. A worker puts a record into its own ring (one writer, one reader, no lock) and
 * goes on; a thread of the log's own writes to the file, or to the log. Where the ring is full the
 * record is dropped and counted, and the count logged. */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include <h2o.h>

#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"
#include "server/access_record.h"

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

/* Logs the requests of PATH, on worker WORKER. */
void access_log_register(struct access_log *access, size_t worker, h2o_pathconf_t *path);

/* For access_log_register and tests: where worker WORKER's next record goes, or NULL: full. To be
 * followed by access_log_commit. */
struct access_record *access_log_next(struct access_log *access, size_t worker);
void access_log_commit(struct access_log *access, size_t worker);

#endif
