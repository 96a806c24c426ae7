/* What the files of the ACME store share: its statements, and rows as tables of columns. Not for
 * others. */
#ifndef ACME_STORE_ACME_STORE_PARTS_H
#define ACME_STORE_ACME_STORE_PARTS_H

#include <stddef.h>

#include "acme/store/acme_store.h"
#include "lib/store/database.h"

enum acme_query {
    FIND_ACCOUNT,
    PUT_ACCOUNT,
    FIND_HOST,
    PUT_HOST,
    REMOVE_HOST,
    EACH_HOST,
    FIND_ORDER,
    PUT_ORDER,
    REMOVE_ORDER,
    EACH_ORDER,
    FIND_CERTIFICATE,
    PUT_CERTIFICATE,
    NOTE_CERTIFICATE,
    REMOVE_CERTIFICATE,
    EACH_CERTIFICATE,
    READ_VERSION,
    QUERY_COUNT,
};

struct acme_store {
    struct database database;
    sqlite3_stmt *statements[QUERY_COUNT]; /* prepared at their first use */
};

/* How a member of a row's struct becomes a column, and back. */
enum column_kind {
    COLUMN_ID,       /* int64_t that SQLite chooses when the row is put */
    COLUMN_TEXT,     /* char *; NULL where the schema allows it */
    COLUMN_SECRET,   /* the same, wiped before it is freed */
    COLUMN_OCTETS,   /* char * whose size_t length is at `length` */
    COLUMN_INTEGER,  /* int64_t */
    COLUMN_UNSIGNED, /* unsigned, or an enum without negative values */
    COLUMN_REAL,     /* double */
    COLUMN_BOOL,     /* bool */
};

struct column {
    enum column_kind kind;
    size_t offset;
    size_t length;
};

/* The members in the order of the columns in every statement; the first is the key, a text. */
struct row {
    const char *what; /* for messages */
    size_t size;      /* of the struct */
    const struct column *columns;
    size_t count;
};

/* The statement, ready to be bound; NULL: E says why. */
sqlite3_stmt *acme_store_statement(struct acme_store *store, enum acme_query query,
                                   struct error *e);

/* Runs QUERY with the members of VALUE as its parameters. */
bool acme_store_put_row(struct acme_store *store, enum acme_query query, const struct row *row,
                        const void *value, struct error *e) MUST_USE;
bool acme_store_find_row(struct acme_store *store, enum acme_query query, const struct row *row,
                         const char *key, void *ret_value, struct error *e) MUST_USE;
bool acme_store_remove_row(struct acme_store *store, enum acme_query query, const char *key,
                           struct error *e) MUST_USE;
/* The next row of a statement; VALUE is filled in where there is one. After the last, and after a
 * failure, the statement is reset. */
enum database_step acme_store_next_row(struct acme_store *store, sqlite3_stmt *statement,
                                       const struct row *row, void *value, struct error *e);
void acme_store_clear_row(const struct row *row, void *value);

#endif
