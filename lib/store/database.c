#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/file.h"

bool database_error(const struct database *database, const char *doing, struct error *e)
{
    int code = sqlite3_errcode(database->handle);
    switch (code & 0xff) {
    case SQLITE_ERROR: /* a format that SQLite does not know, or none of our tables is in it */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(
            e, ERROR_SYNTAX,
            "%s is damaged or no database (%s); move it away, a new %s is begun at the "
            "next start",
            database->path, sqlite3_errmsg(database->handle), database->what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(e, ERROR_RETRY, "cannot %s %s: another program holds it; try again later",
                         doing, database->path);
    default:
        return error_set(e, ERROR_SYSTEM, "cannot %s %s: %s", doing, database->path,
                         sqlite3_errmsg(database->handle));
    }
}

bool database_execute(struct database *database, const char *sql, struct error *e)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_error(database, "write", e);
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql, struct error *e)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK) {
        (void)database_error(database, "read", e);
        return NULL;
    }
    return statement;
}

enum database_step database_step(struct database *database, sqlite3_stmt *statement,
                                 struct error *e)
{
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return DATABASE_ROW;
    case SQLITE_DONE:
        return DATABASE_DONE;
    default:
        (void)database_error(database, "use", e);
        return DATABASE_FAILED;
    }
}

bool database_run(struct database *database, sqlite3_stmt *statement, struct error *e)
{
    enum database_step step = database_step(database, statement, e);
    sqlite3_reset(statement);
    return step != DATABASE_FAILED;
}

static bool read_version(struct database *database, int *ret_version, struct error *e)
{
    sqlite3_stmt *statement = database_prepare(database, "PRAGMA user_version", e);
    if (statement == NULL) {
        return false;
    }
    enum database_step step = database_step(database, statement, e);
    if (step == DATABASE_ROW) {
        *ret_version = sqlite3_column_int(statement, 0);
    }
    sqlite3_finalize(statement);
    return step == DATABASE_ROW;
}

static bool make_schema(struct database *database, const char *schema, int version, struct error *e)
{
    /* IMMEDIATE: of two programs that open a new file at once, one waits and finds it made. */
    if (!database_execute(database, "BEGIN IMMEDIATE", e)) {
        return false;
    }
    int found = 0;
    CLEANUP_FREE char *set_version = memory_printf("PRAGMA user_version = %d", version);
    bool ok = read_version(database, &found, e) &&
              (found != 0 || (database_execute(database, schema, e) &&
                              database_execute(database, set_version, e))) &&
              database_execute(database, "COMMIT", e);
    if (!ok) {
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    return ok;
}

/* NORMAL: a power cut may lose the last notes, never the file. */
static const char writing[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                              "PRAGMA journal_size_limit = 4194304; PRAGMA foreign_keys = OFF;";
static const char settings[] =
    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;";

static bool error_missing(const char *path, const char *what, struct error *e)
{
    return error_set(e, ERROR_NOT_FOUND,
                     "there is no %s %s yet; the server begins one when it needs it", what, path);
}

/* SCHEMA NULL: for reading. */
static bool prepare_handle(struct database *database, const char *schema, int version,
                           struct error *e)
{
    int found = 0;
    (void)sqlite3_busy_timeout(database->handle, DATABASE_BUSY_MS);
    (void)sqlite3_extended_result_codes(database->handle, 1);
    if (!read_version(database, &found, e) ||
        (schema != NULL && !database_execute(database, writing, e)) ||
        !database_execute(database, settings, e)) {
        return false;
    }
    if (found == 0) {
        return schema != NULL ? make_schema(database, schema, version, e)
                              : error_missing(database->path, database->what, e);
    }
    if (found != version) {
        return error_set(e, ERROR_CONFLICT,
                         "%s has format %d, this program knows format %d; install the version that "
                         "wrote it, or move the file away",
                         database->path, found, version);
    }
    return true;
}

/* SQLite would make it by the umask; what lies beside it (-wal, -shm) takes its mode. A file that
 * is there is left to SQLite: closing any other descriptor of it would drop the locks that this
 * process holds on it (fcntl(2)), and another program would believe that nobody uses the database.
 */
static bool make_private(const char *path, struct error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        return errno == EEXIST || error_system(e, "cannot open %s", path);
    }
    (void)close(fd);
    return true;
}

/* SQLite goes by the path. Root who opens it (`cert export`) would follow what the state
 * directory's owner has put there; so the path is the directory's real one, and nothing in it a
 * link. */
static char *real_path(const char *path)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    CLEANUP_FREE char *real = realpath(directory, NULL);
    return real != NULL ? file_path_join(real, file_path_name(path)) : memory_string(path);
}

static bool is_no_link(const char *path, struct error *e)
{
    struct stat status;
    return lstat(path, &status) != 0 || !S_ISLNK(status.st_mode) ||
           error_set(e, ERROR_CONFLICT,
                     "%s is a link; move what it names there, or make the directory a link", path);
}

/* As sqlite3_open_v2 takes it with SQLITE_OPEN_URI; the caller frees it. */
static char *immutable_uri(const char *path)
{
    size_t n = strlen(path);
    struct buffer uri = BUFFER(3 * n + sizeof("file:?immutable=1"));
    buffer_add_string(&uri, "file:");
    for (size_t i = 0; i < n; i++) {
        buffer_printf(&uri, strchr("%?#", path[i]) != NULL ? "%%%02X" : "%c",
                      (unsigned char)path[i]);
    }
    buffer_add_string(&uri, "?immutable=1");
    return buffer_take(&uri);
}

/* What is opened. SCHEMA NULL: for reading. */
struct opening {
    const char *path;
    const char *what;
    const char *schema;
    int version;
};

/* NAME is the path, or a URI where FLAGS say so. */
static bool open_named(const struct opening *opening, const char *name, int flags,
                       struct database *ret_database, struct error *e)
{
    struct database database = {.path = memory_string(opening->path), .what = opening->what};
    int opened = sqlite3_open_v2(name, &database.handle,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    if (opened != SQLITE_OK || !prepare_handle(&database, opening->schema, opening->version, e)) {
        if (opened != SQLITE_OK) {
            (void)database_error(&database, "open", e);
        }
        database_close(&database);
        return false;
    }
    *ret_database = database;
    return true;
}

static bool open_file(const struct opening *opening, struct database *ret_database, struct error *e)
{
    if (!is_no_link(opening->path, e)) {
        return false;
    }
    CLEANUP_FREE char *real = real_path(opening->path);
    return open_named(opening, real, SQLITE_OPEN_READWRITE, ret_database, e);
}

static bool is_there(const char *path, const char *what, struct error *e)
{
    if (access(path, F_OK) == 0) {
        return true;
    }
    return errno == ENOENT ? error_missing(path, what, e) : error_system(e, "cannot open %s", path);
}

bool database_open(const char *path, const char *what, const char *schema, int version,
                   struct database *ret_database, struct error *e)
{
    const struct opening opening = {path, what, schema, version};
    return make_private(path, e) && open_file(&opening, ret_database, e);
}

bool database_open_existing(const char *path, const char *what, const char *schema, int version,
                            struct database *ret_database, struct error *e)
{
    const struct opening opening = {path, what, schema, version};
    return is_there(path, what, e) && open_file(&opening, ret_database, e);
}

/* Whether all that was committed is in the file itself. */
static bool has_no_journal(const char *path)
{
    CLEANUP_FREE char *journal = memory_printf("%s-wal", path);
    struct stat status;
    return stat(journal, &status) != 0 || status.st_size == 0;
}

bool database_open_reading(const char *path, const char *what, int version,
                           struct database *ret_database, struct error *e)
{
    const struct opening opening = {path, what, NULL, version};
    if (!is_there(path, what, e)) {
        return false;
    }
    if (open_file(&opening, ret_database, e)) {
        return true;
    }
    /* Readers of a WAL meet in a file beside it, which cannot be made where nobody may write. Then
     * nobody writes the database either, and without a WAL it is whole. */
    CLEANUP_FREE char *directory = file_path_directory(path);
    if (e->code != ERROR_SYSTEM || access(directory, W_OK) == 0 || !has_no_journal(path)) {
        return false;
    }
    CLEANUP_FREE char *real = real_path(path);
    CLEANUP_FREE char *uri = immutable_uri(real);
    return open_named(&opening, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, ret_database, e);
}

void database_close(struct database *database)
{
    (void)sqlite3_close(database->handle);
    free(database->path);
    *database = (struct database){0};
}
