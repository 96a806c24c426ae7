#include "acme_store.h"

#include "acme/store/acme_store_parts.h"

enum {
    SCHEMA_VERSION = 1,
    ROW_MAX_OCTETS = 4 * ACME_STORE_TEXT_MAX,
};

/* AUTOINCREMENT: without it SQLite may choose the id of a certificate that was removed, and who
 * asks for what is new would not see it. */
static const char SCHEMA[] = "CREATE TABLE accounts ("
                             " directory TEXT NOT NULL PRIMARY KEY,"
                             " key TEXT NOT NULL,"
                             " url TEXT,"
                             " next_key TEXT,"
                             " tokens REAL NOT NULL,"
                             " tokens_s INTEGER NOT NULL,"
                             " wait_s INTEGER NOT NULL,"
                             " ca_wait_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                             "CREATE TABLE hosts ("
                             " name TEXT NOT NULL PRIMARY KEY,"
                             " trouble INTEGER NOT NULL CHECK (trouble BETWEEN 0 AND 3),"
                             " failures INTEGER NOT NULL,"
                             " challenge INTEGER NOT NULL,"
                             " next_s INTEGER NOT NULL,"
                             " problem TEXT,"
                             " settings TEXT) STRICT, WITHOUT ROWID;"
                             "CREATE TABLE orders ("
                             " host TEXT NOT NULL PRIMARY KEY,"
                             " directory TEXT NOT NULL,"
                             " account TEXT NOT NULL,"
                             " url TEXT,"
                             " key TEXT NOT NULL,"
                             " csr BLOB NOT NULL,"
                             " begun_s INTEGER NOT NULL) STRICT;"
                             "CREATE TABLE certificates ("
                             " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             " host TEXT NOT NULL UNIQUE,"
                             " not_before_s INTEGER NOT NULL,"
                             " not_after_s INTEGER NOT NULL,"
                             " ari_start_s INTEGER NOT NULL,"
                             " ari_end_s INTEGER NOT NULL,"
                             " renew_s INTEGER NOT NULL,"
                             " ari_next_s INTEGER NOT NULL,"
                             " revoked INTEGER NOT NULL,"
                             " directory TEXT,"
                             " account TEXT,"
                             " ari_id TEXT,"
                             " key TEXT NOT NULL,"
                             " chain TEXT NOT NULL) STRICT;";

/* What database_open chooses is for notes that may be lost. Here a lost commit is an order that the
 * CA counts and we do not know, or an account key that nobody has; and a key that was replaced is
 * not to be found in the file's free pages. Rows are found by their key, one by one: a large cache
 * would only be memory. */
static const char PRAGMAS[] = "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                              "PRAGMA cache_size = -4096;";

/* In the order of the tables of struct column. */
#define ACCOUNT_COLUMNS "directory, key, url, next_key, tokens, tokens_s, wait_s, ca_wait_s"
#define HOST_COLUMNS    "name, trouble, failures, challenge, next_s, problem, settings"
#define ORDER_COLUMNS   "host, directory, account, url, key, csr, begun_s"
#define CERTIFICATE_COLUMNS                                                                        \
    "host, id, chain, key, directory, account, not_before_s, not_after_s, ari_id, ari_start_s,"    \
    " ari_end_s, renew_s, ari_next_s, revoked"

static const char *const queries[QUERY_COUNT] = {
    [FIND_ACCOUNT] = "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE directory = ?1",
    [PUT_ACCOUNT] = "INSERT OR REPLACE INTO accounts (" ACCOUNT_COLUMNS ")"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [FIND_HOST] = "SELECT " HOST_COLUMNS " FROM hosts WHERE name = ?1",
    [PUT_HOST] = "INSERT OR REPLACE INTO hosts (" HOST_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)",
    [REMOVE_HOST] = "DELETE FROM hosts WHERE name = ?1",
    [EACH_HOST] = "SELECT " HOST_COLUMNS " FROM hosts ORDER BY name",
    [FIND_ORDER] = "SELECT " ORDER_COLUMNS " FROM orders WHERE host = ?1",
    [PUT_ORDER] = "INSERT OR REPLACE INTO orders (" ORDER_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)",
    [REMOVE_ORDER] = "DELETE FROM orders WHERE host = ?1",
    [EACH_ORDER] = "SELECT " ORDER_COLUMNS " FROM orders ORDER BY host",
    [FIND_CERTIFICATE] = "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE host = ?1",
    [PUT_CERTIFICATE] = "INSERT OR REPLACE INTO certificates (" CERTIFICATE_COLUMNS ")"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [NOTE_CERTIFICATE] = "UPDATE certificates SET ari_start_s = ?2, ari_end_s = ?3, renew_s = ?4,"
                         " ari_next_s = ?5, revoked = ?6 WHERE host = ?1",
    [REMOVE_CERTIFICATE] = "DELETE FROM certificates WHERE host = ?1",
    [EACH_CERTIFICATE] = "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE id > ?1"
                         " ORDER BY id",
    [READ_VERSION] = "PRAGMA data_version",
};

typedef bool (*open_function)(const char *path, const char *what, const char *schema, int version,
                              struct database *ret_database, struct error *e);

static bool open_store(open_function open, const char *path, struct acme_store **ret_store,
                       struct error *e)
{
    struct database database;
    if (!open(path, "ACME store", SCHEMA, SCHEMA_VERSION, &database, e)) {
        return false;
    }
    /* What is read is bounded too: memory is asked for what the file says. */
    (void)sqlite3_limit(database.handle, SQLITE_LIMIT_LENGTH, ROW_MAX_OCTETS);
    if (!database_execute(&database, PRAGMAS, e)) {
        database_close(&database);
        return false;
    }
    struct acme_store *store = memory_zero(1, sizeof(*store));
    store->database = database;
    *ret_store = store;
    return true;
}

bool acme_store_open(const char *path, struct acme_store **ret_store, struct error *e)
{
    return open_store(database_open, path, ret_store, e);
}

bool acme_store_open_existing(const char *path, struct acme_store **ret_store, struct error *e)
{
    return open_store(database_open_existing, path, ret_store, e);
}

void acme_store_close(struct acme_store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    database_close(&store->database);
    free(store);
}

sqlite3_stmt *acme_store_statement(struct acme_store *store, enum acme_query query, struct error *e)
{
    sqlite3_stmt **place = &store->statements[query];
    if (*place == NULL) {
        *place = database_prepare(&store->database, queries[query], e);
    }
    return *place;
}

bool acme_store_begin(struct acme_store *store, struct error *e)
{
    return database_execute(&store->database, "BEGIN IMMEDIATE", e);
}

bool acme_store_commit(struct acme_store *store, struct error *e)
{
    if (!database_execute(&store->database, "COMMIT", e)) {
        (void)sqlite3_exec(store->database.handle, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return true;
}

bool acme_store_version(struct acme_store *store, int64_t *ret_version, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, READ_VERSION, e);
    if (s == NULL) {
        return false;
    }
    enum database_step step = database_step(&store->database, s, e);
    if (step == DATABASE_ROW) {
        *ret_version = sqlite3_column_int64(s, 0);
    }
    sqlite3_reset(s);
    return step == DATABASE_ROW;
}
