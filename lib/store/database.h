/* SQLite as every store here opens it: WAL, 0600, a busy timeout, one schema version, prepared
 * statements, and errors that name the file and say what to do. One handle per thread.
 *
 *     if (!database_open(path, "history", SCHEMA, SCHEMA_VERSION, &database, e)) …
 *     sqlite3_stmt *find = database_prepare(&database, "SELECT …", e);
 *     switch (database_step(&database, find, e)) …
 */
#ifndef LIB_STORE_DATABASE_H
#define LIB_STORE_DATABASE_H

#include <stdint.h>

#include <sqlite3.h>

#include "lib/base/error.h"

struct database {
    sqlite3 *handle;
    char *path;
    const char *what; /* what the file holds, for messages */
};

enum { DATABASE_BUSY_MS = 5000 };

/* Opens PATH, made with SCHEMA (statements) where it is missing or empty; then its user_version is
 * VERSION. A damaged file is ERROR_SYNTAX, one that a newer program made ERROR_CONFLICT. */
bool database_open(const char *path, const char *what, const char *schema, int version,
                   struct database *ret_database, struct error *e) MUST_USE;
/* The same, but never makes the file: ERROR_NOT_FOUND where there is none. */
bool database_open_existing(const char *path, const char *what, const char *schema, int version,
                            struct database *ret_database, struct error *e) MUST_USE;
/* For reading alone, also where nothing can be written: nothing is made, of the file or of what is
 * in it. One without a schema yet is ERROR_NOT_FOUND. */
bool database_open_reading(const char *path, const char *what, int version,
                           struct database *ret_database, struct error *e) MUST_USE;
/* Prepared statements must be finalised before. */
void database_close(struct database *database);

/* Fills in E from SQLite's last error; always false. */
bool database_error(const struct database *database, const char *doing, struct error *e);

bool database_execute(struct database *database, const char *sql, struct error *e) MUST_USE;
/* NULL: E says why. Finalise with sqlite3_finalize. */
sqlite3_stmt *database_prepare(struct database *database, const char *sql, struct error *e)
    MUST_USE;

enum database_step { DATABASE_ROW, DATABASE_DONE, DATABASE_FAILED };
enum database_step database_step(struct database *database, sqlite3_stmt *statement,
                                 struct error *e) MUST_USE;
/* Steps a statement that gives no row, and resets it. */
bool database_run(struct database *database, sqlite3_stmt *statement, struct error *e) MUST_USE;

#endif
