#include "served_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/snapshot_numbers.h"
#include "lib/base/snapshot_part.h"
#include "lib/store/database.h"

enum {
    SCHEMA_VERSION = 1,
    JOURNAL_FRAMES = 1024, /* pages in the WAL that are worth a wait for readers */
    SEALED = SNAPSHOT_IDENTITY + 1 + 8 + 8,
    ABOUT = SEALED + 8,
};

static const char file_name[] = "served.db";
static const char what[] = "memory of what is served";

/* `about` is what there is to say of a file, ABOUT octets: identity (lib/base/snapshot_numbers.h),
 * flags u8 (1: line_end, 2: held, 4: gone), reader u64, the digest of its version u64; and, as the
 * seal, one of all that and the place. Names are octets, whatever they mean to anybody. */
static const char SCHEMA[] = "CREATE TABLE IF NOT EXISTS files ("
                             " id INTEGER PRIMARY KEY,"
                             " entry BLOB NOT NULL,"
                             " path BLOB NOT NULL,"
                             " about BLOB NOT NULL);"
                             "CREATE UNIQUE INDEX IF NOT EXISTS files_place ON files (entry, path);"
                             "CREATE TABLE IF NOT EXISTS versions ("
                             " file INTEGER PRIMARY KEY,"
                             " octets BLOB NOT NULL);";

/* What was put since served_memory_clear. */
static const char KEPT[] = "CREATE TEMP TABLE kept (id INTEGER PRIMARY KEY)";
static const char SWEEP[] = "DELETE FROM versions WHERE file NOT IN (SELECT id FROM kept);"
                            "DELETE FROM files WHERE id NOT IN (SELECT id FROM kept)";

enum query {
    EACH,
    VERSION,
    FIND,
    ADD_FILE,
    CHANGE_FILE,
    REMOVE_FILE,
    PUT_VERSION,
    REMOVE_VERSION,
    QUERIES_OF_READERS,
    KEEP = QUERIES_OF_READERS,
    CHECK,
    CHECK_ROWS,
    QUERY_COUNT,
};

static const char *const queries[QUERY_COUNT] = {
    [EACH] = "SELECT id, entry, path, about FROM files ORDER BY entry, path",
    [VERSION] = "SELECT octets FROM versions WHERE file = ?1",
    [FIND] = "SELECT id, about FROM files WHERE entry = ?1 AND path = ?2",
    [ADD_FILE] = "INSERT INTO files (entry, path, about) VALUES (?1, ?2, ?3)",
    [CHANGE_FILE] = "UPDATE files SET about = ?2 WHERE id = ?1",
    [REMOVE_FILE] = "DELETE FROM files WHERE id = ?1",
    [PUT_VERSION] = "INSERT OR REPLACE INTO versions (file, octets) VALUES (?1, ?2)",
    [REMOVE_VERSION] = "DELETE FROM versions WHERE file = ?1",
    [CHECK] = "PRAGMA integrity_check(1)",
    [CHECK_ROWS] = "SELECT * FROM files LEFT JOIN versions ON file = id ORDER BY id",
    [KEEP] = "INSERT OR IGNORE INTO kept (id) VALUES (?1)",
};

struct served_memory {
    struct database database;
    sqlite3_stmt *statements[QUERY_COUNT];
    bool sweeps; /* what is not `kept` goes with the commit */
};

/* --- Rows --- */

static void bind_bytes(sqlite3_stmt *s, int at, struct bytes b)
{
    sqlite3_bind_blob64(s, at, b.n != 0 ? b.p : "", b.n, SQLITE_STATIC);
}

static struct bytes column_bytes(sqlite3_stmt *s, int column)
{
    const char *p = sqlite3_column_blob(s, column);
    return (struct bytes){p != NULL ? p : "", (size_t)sqlite3_column_bytes(s, column)};
}

static uint64_t seal_of(struct bytes entry, struct bytes path, struct bytes sealed)
{
    return snapshot_digest(sealed, snapshot_digest(path, snapshot_digest(entry, 0)));
}

static unsigned flags_of(const struct served_file *file)
{
    return (file->line_end ? 1U : 0) | (file->held ? 2U : 0) | (file->gone ? 4U : 0);
}

static struct buffer about_of(const struct served_file *file, struct bytes version)
{
    struct buffer about = BUFFER(ABOUT);
    snapshot_add_identity(&about, &file->identity);
    snapshot_add_number(&about, flags_of(file), 1);
    snapshot_add_number(&about, file->reader, 8);
    snapshot_add_number(&about, snapshot_digest(version, 0), 8);
    snapshot_add_number(&about, seal_of(file->entry, file->path, buffer_bytes(&about)), 8);
    return about;
}

/* What ABOUT says of the version; 0 where it says nothing. */
static uint64_t version_digest(struct bytes about)
{
    struct bytes digest = bytes_skip(about, SEALED - 8);
    return about.n == ABOUT ? snapshot_take_number(&digest, 8) : 0;
}

/* False: it is damaged. */
static bool read_row(sqlite3_stmt *s, struct served_file *ret_file)
{
    struct bytes about = column_bytes(s, 3);
    struct bytes sealed = {about.p, SEALED};
    struct served_file file = {
        .id = sqlite3_column_int64(s, 0),
        .entry = column_bytes(s, 1),
        .path = column_bytes(s, 2),
    };
    if (about.n != ABOUT) {
        return false;
    }
    file.identity = snapshot_take_identity(&about);
    uint64_t flags = snapshot_take_number(&about, 1);
    file.line_end = (flags & 1) != 0;
    file.held = (flags & 2) != 0;
    file.gone = (flags & 4) != 0;
    file.reader = snapshot_take_number(&about, 8);
    about = bytes_skip(about, 8);
    *ret_file = file;
    return snapshot_take_number(&about, 8) == seal_of(file.entry, file.path, sealed);
}

/* --- Opening --- */

static bool error_damaged(const struct served_memory *memory, struct error *e)
{
    return error_set(e, ERROR_SYNTAX,
                     "%s is damaged; the server sets it aside and begins a new one",
                     memory->database.path);
}

static bool prepare(struct served_memory *memory, size_t count, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        memory->statements[i] = database_prepare(&memory->database, queries[i], e);
        if (memory->statements[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* A row of CHECK_ROWS: a row of EACH, `file` and `octets` of its version. */
static bool is_row_good(sqlite3_stmt *s)
{
    struct served_file file;
    return read_row(s, &file) &&
           snapshot_digest(column_bytes(s, 5), 0) == version_digest(column_bytes(s, 3));
}

/* The one row of CHECK. */
static bool is_whole(sqlite3_stmt *s)
{
    return bytes_equal(column_bytes(s, 0), BYTES("ok"));
}

/* Whether each row of a statement is GOOD: else the file is damaged. */
static bool check_rows(struct served_memory *memory, enum query query,
                       bool (*good)(sqlite3_stmt *s), struct error *e)
{
    sqlite3_stmt *s = memory->statements[query];
    enum database_step step = database_step(&memory->database, s, e);
    while (step == DATABASE_ROW && good(s)) {
        step = database_step(&memory->database, s, e);
    }
    sqlite3_reset(s);
    return step == DATABASE_DONE || (step == DATABASE_ROW && error_damaged(memory, e));
}

/* Only what differs is written: what is damaged and is not met would stay so. */
static bool check(struct served_memory *memory, struct error *e)
{
    return check_rows(memory, CHECK, is_whole, e) && check_rows(memory, CHECK_ROWS, is_row_good, e);
}

/* SQLite believes what a damaged head says of the file, that it is not to be written. */
static bool is_as_it_says(const struct served_memory *memory, struct error *e)
{
    return sqlite3_db_readonly(memory->database.handle, "main") == 0 ||
           access(memory->database.path, W_OK) != 0 || error_damaged(memory, e);
}

/* Each row is read once, or written: what SQLite would keep of them is wanted by nobody. */
static const char SMALL_CACHE[] = "PRAGMA cache_size = -2048";

static bool open_for_writing(const char *path, struct served_memory **ret_memory, struct error *e)
{
    struct database database;
    if (!database_open(path, what, SCHEMA, SCHEMA_VERSION, &database, e)) {
        return false;
    }
    fault_point("memory.create");
    struct served_memory *memory = memory_zero(1, sizeof(*memory));
    memory->database = database;
    if (!database_execute(&memory->database, "PRAGMA synchronous = FULL", e) ||
        !database_execute(&memory->database, SMALL_CACHE, e) ||
        !database_execute(&memory->database, KEPT, e) || !prepare(memory, QUERY_COUNT, e) ||
        !is_as_it_says(memory, e) || !check(memory, e)) {
        served_memory_close(memory);
        return false;
    }
    *ret_memory = memory;
    return true;
}

bool served_memory_open(const char *state, struct served_memory **ret_memory, char **ret_news,
                        struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(state, file_name);
    char *news = NULL;
    fault_point("memory.create");
    if (!open_for_writing(path, ret_memory, e) &&
        (e->code != ERROR_SYNTAX || !served_memory_set_aside(state, &news, e) ||
         !open_for_writing(path, ret_memory, e))) {
        free(news);
        return false;
    }
    *ret_news = news;
    return true;
}

bool served_memory_open_existing(const char *state, struct served_memory **ret_memory,
                                 struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(state, file_name);
    struct database database;
    if (!database_open_reading(path, what, SCHEMA_VERSION, &database, e)) {
        return false;
    }
    struct served_memory *memory = memory_zero(1, sizeof(*memory));
    memory->database = database;
    if (!database_execute(&memory->database, SMALL_CACHE, e) ||
        !prepare(memory, QUERIES_OF_READERS, e)) {
        served_memory_close(memory);
        return false;
    }
    *ret_memory = memory;
    return true;
}

void served_memory_close(struct served_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(memory->statements[i]);
    }
    database_close(&memory->database);
    free(memory);
}

/* A WAL that stayed would be taken for the new file's. So it goes first. */
bool served_memory_set_aside(const char *state, char **ret_news, struct error *e)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    CLEANUP_FREE char *path = file_path_join(state, file_name);
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
        CLEANUP_FREE char *from = memory_printf("%s%s", path, suffixes[i]);
        CLEANUP_FREE char *to = memory_printf("%s.damaged%s", path, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return error_system(e, "cannot move %s aside", from);
        }
    }
    *ret_news =
        memory_printf("the %s was damaged, and is %s.damaged now; a new one is begun", what, path);
    return true;
}

bool served_memory_lock(const char *state, int *ret_fd, struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(state, "served.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return error_system(e, "cannot open %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret_fd = fd;
        return true;
    }
    bool is_held = errno == EWOULDBLOCK || error_system(e, "cannot lock %s", path);
    file_close(&fd); /* which makes it -1 */
    *ret_fd = is_held ? fd : *ret_fd;
    return is_held;
}

/* --- Reading --- */

bool served_memory_each(struct served_memory *memory,
                        void (*visit)(const struct served_file *file, void *context), void *context,
                        struct error *e)
{
    sqlite3_stmt *s = memory->statements[EACH];
    enum database_step step = database_step(&memory->database, s, e);
    bool good = true;
    while (step == DATABASE_ROW && good) {
        struct served_file file;
        good = read_row(s, &file) || error_damaged(memory, e);
        if (good) {
            visit(&file, context);
            step = database_step(&memory->database, s, e);
        }
    }
    sqlite3_reset(s);
    return good && step == DATABASE_DONE;
}

bool served_memory_version(struct served_memory *memory, int64_t id, struct buffer *version,
                           struct error *e)
{
    sqlite3_stmt *s = memory->statements[VERSION];
    sqlite3_bind_int64(s, 1, id);
    enum database_step step = database_step(&memory->database, s, e);
    bool read = step == DATABASE_ROW;
    if (read) {
        struct bytes octets = column_bytes(s, 0);
        read = (octets.n <= version->max - version->n && !version->overflow) ||
               error_set(e, ERROR_LIMIT, "%zu octets in %s are more than are taken", octets.n,
                         memory->database.path);
        if (read) {
            buffer_add(version, octets);
        }
    } else if (step == DATABASE_DONE) {
        (void)error_set(e, ERROR_NOT_FOUND, "it is not in %s any more", memory->database.path);
    }
    sqlite3_reset(s);
    return read;
}

/* --- Writing --- */

bool served_memory_begin(struct served_memory *memory, struct error *e)
{
    memory->sweeps = false;
    return database_execute(&memory->database, "BEGIN IMMEDIATE", e);
}

/* A WAL of many pages does not stay: SQLite would use its room again, and never give it back. It
 * waits for readers, a few seconds; where they read on, the next commit tries again. */
static void fold_journal(struct served_memory *memory)
{
    int frames = 0;
    sqlite3 *handle = memory->database.handle;
    if (sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, NULL) ==
            SQLITE_OK &&
        frames > JOURNAL_FRAMES) {
        (void)sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    (void)sqlite3_db_release_memory(handle);
}

bool served_memory_commit(struct served_memory *memory, struct error *e)
{
    bool swept = !memory->sweeps || database_execute(&memory->database, SWEEP, e);
    if (swept) {
        fault_point("memory.commit");
    }
    if (!swept || !database_execute(&memory->database, "COMMIT", e)) {
        (void)sqlite3_exec(memory->database.handle, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    fault_point("memory.committed");
    fold_journal(memory);
    return true;
}

static bool run(struct served_memory *memory, enum query query, int64_t id, struct bytes octets,
                struct error *e)
{
    sqlite3_stmt *s = memory->statements[query];
    sqlite3_bind_int64(s, 1, id);
    if (octets.p != NULL) {
        bind_bytes(s, 2, octets);
    }
    return database_run(&memory->database, s, e);
}

static bool run_of(struct served_memory *memory, enum query query, int64_t id, struct error *e)
{
    return run(memory, query, id, (struct bytes){NULL, 0}, e);
}

/* *RET_ID is 0 where there is none. *RET_ABOUT is valid until the statement FIND is reset, which
 * the caller does. */
static bool find(struct served_memory *memory, struct bytes entry, struct bytes path,
                 int64_t *ret_id, struct bytes *ret_about, struct error *e)
{
    sqlite3_stmt *s = memory->statements[FIND];
    bind_bytes(s, 1, entry);
    bind_bytes(s, 2, path);
    enum database_step step = database_step(&memory->database, s, e);
    *ret_id = step == DATABASE_ROW ? sqlite3_column_int64(s, 0) : 0;
    *ret_about = step == DATABASE_ROW ? column_bytes(s, 1) : BYTES("");
    return step != DATABASE_FAILED;
}

static bool add(struct served_memory *memory, const struct served_file *file, struct bytes about,
                int64_t *ret_id, struct error *e)
{
    sqlite3_stmt *s = memory->statements[ADD_FILE];
    bind_bytes(s, 1, file->entry);
    bind_bytes(s, 2, file->path);
    bind_bytes(s, 3, about);
    if (!database_run(&memory->database, s, e)) {
        return false;
    }
    *ret_id = sqlite3_last_insert_rowid(memory->database.handle);
    return true;
}

bool served_memory_put(struct served_memory *memory, const struct served_file *file,
                       struct bytes version, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer about = about_of(file, version);
    struct bytes now = buffer_bytes(&about);
    struct bytes was;
    int64_t id = 0;
    bool good = find(memory, file->entry, file->path, &id, &was, e);
    bool is_same = bytes_equal(was, now);
    bool keeps_version = version_digest(was) == version_digest(now);
    sqlite3_reset(memory->statements[FIND]);
    good = good &&
           (is_same ||
            (id == 0 ? add(memory, file, now, &id, e) : run(memory, CHANGE_FILE, id, now, e))) &&
           (keeps_version || run(memory, PUT_VERSION, id, version, e)) &&
           (!memory->sweeps || run_of(memory, KEEP, id, e));
    fault_point("memory.put");
    return good;
}

bool served_memory_remove(struct served_memory *memory, struct bytes entry, struct bytes path,
                          struct error *e)
{
    struct bytes was;
    int64_t id = 0;
    bool good = find(memory, entry, path, &id, &was, e);
    sqlite3_reset(memory->statements[FIND]);
    good = good && (id == 0 ||
                    (run_of(memory, REMOVE_VERSION, id, e) && run_of(memory, REMOVE_FILE, id, e)));
    fault_point("memory.remove");
    return good;
}

bool served_memory_clear(struct served_memory *memory, struct error *e)
{
    memory->sweeps = true;
    bool good = database_execute(&memory->database, "DELETE FROM kept", e);
    fault_point("memory.clear");
    return good;
}
