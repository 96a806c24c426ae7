/* Rows of the ACME store: from struct to statement and back, by tables of columns. */
#include <string.h>

#include "acme/store/acme_store_parts.h"

static const void *member(const void *value, size_t offset)
{
    return (const char *)value + offset;
}

static void *member_of(void *value, size_t offset)
{
    return (char *)value + offset;
}

static const char *text_of(const struct column *column, const void *value)
{
    return *(const char *const *)member(value, column->offset);
}

/* Texts are borrowed until the statement is bound anew. False: too long. */
static bool bind_text(sqlite3_stmt *s, int at, const char *text, size_t n, bool octets)
{
    if (text == NULL) {
        sqlite3_bind_null(s, at);
    } else if (n > ACME_STORE_TEXT_MAX) {
        return false;
    } else if (octets) {
        sqlite3_bind_blob64(s, at, text, n, SQLITE_STATIC);
    } else {
        sqlite3_bind_text64(s, at, text, n, SQLITE_STATIC, SQLITE_UTF8);
    }
    return true;
}

static bool bind_column(sqlite3_stmt *s, int at, const struct column *column, const void *value)
{
    const void *place = member(value, column->offset);
    switch (column->kind) {
    case COLUMN_ID:
        sqlite3_bind_null(s, at);
        break;
    case COLUMN_TEXT:
    case COLUMN_SECRET: {
        const char *text = text_of(column, value);
        return bind_text(s, at, text, text != NULL ? strlen(text) : 0, false);
    }
    case COLUMN_OCTETS:
        return bind_text(s, at, text_of(column, value),
                         *(const size_t *)member(value, column->length), true);
    case COLUMN_INTEGER:
        sqlite3_bind_int64(s, at, *(const int64_t *)place);
        break;
    case COLUMN_UNSIGNED:
        sqlite3_bind_int64(s, at, *(const unsigned *)place);
        break;
    case COLUMN_REAL:
        sqlite3_bind_double(s, at, *(const double *)place);
        break;
    case COLUMN_BOOL:
        sqlite3_bind_int(s, at, *(const bool *)place);
        break;
    }
    return true;
}

/* A copy; NULL stays NULL. */
static char *read_text(sqlite3_stmt *s, int at, size_t *ret_n)
{
    if (sqlite3_column_type(s, at) == SQLITE_NULL) {
        *ret_n = 0;
        return NULL;
    }
    const char *text = sqlite3_column_blob(s, at); /* NULL for an empty one */
    *ret_n = text != NULL ? (size_t)sqlite3_column_bytes(s, at) : 0;
    return memory_string_of((struct bytes){text != NULL ? text : "", *ret_n});
}

static void read_column(sqlite3_stmt *s, int at, const struct column *column, void *value)
{
    void *place = member_of(value, column->offset);
    size_t n = 0;
    switch (column->kind) {
    case COLUMN_TEXT:
    case COLUMN_SECRET:
        *(char **)place = read_text(s, at, &n);
        break;
    case COLUMN_OCTETS:
        *(char **)place = read_text(s, at, &n);
        *(size_t *)member_of(value, column->length) = n;
        break;
    case COLUMN_ID:
    case COLUMN_INTEGER:
        *(int64_t *)place = sqlite3_column_int64(s, at);
        break;
    case COLUMN_UNSIGNED:
        *(unsigned *)place = (unsigned)sqlite3_column_int64(s, at);
        break;
    case COLUMN_REAL:
        *(double *)place = sqlite3_column_double(s, at);
        break;
    case COLUMN_BOOL:
        *(bool *)place = sqlite3_column_int(s, at) != 0;
        break;
    }
}

bool acme_store_put_row(struct acme_store *store, enum acme_query query, const struct row *row,
                        const void *value, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, query, e);
    if (s == NULL) {
        return false;
    }
    for (size_t i = 0; i < row->count; i++) {
        if (!bind_column(s, (int)i + 1, &row->columns[i], value)) {
            return error_set(e, ERROR_LIMIT,
                             "the %s of %.255s has a text that is too long; at most %d octets are "
                             "kept",
                             row->what, text_of(&row->columns[0], value), ACME_STORE_TEXT_MAX);
        }
    }
    return database_run(&store->database, s, e);
}

enum database_step acme_store_next_row(struct acme_store *store, sqlite3_stmt *statement,
                                       const struct row *row, void *value, struct error *e)
{
    enum database_step step = database_step(&store->database, statement, e);
    if (step != DATABASE_ROW) {
        sqlite3_reset(statement);
        return step;
    }
    memset(value, 0, row->size);
    for (size_t i = 0; i < row->count; i++) {
        read_column(statement, (int)i, &row->columns[i], value);
    }
    return step;
}

bool acme_store_find_row(struct acme_store *store, enum acme_query query, const struct row *row,
                         const char *key, void *ret_value, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, query, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    enum database_step step = acme_store_next_row(store, s, row, ret_value, e);
    if (step == DATABASE_DONE) {
        return error_set(e, ERROR_NOT_FOUND, "%s holds no %s of %.255s", store->database.path,
                         row->what, key);
    }
    sqlite3_reset(s);
    return step == DATABASE_ROW;
}

bool acme_store_remove_row(struct acme_store *store, enum acme_query query, const char *key,
                           struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, query, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    return database_run(&store->database, s, e);
}

static void free_secret(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

void acme_store_clear_row(const struct row *row, void *value)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct column *column = &row->columns[i];
        char **text = member_of(value, column->offset);
        if (column->kind == COLUMN_SECRET) {
            free_secret(*text);
        } else if (column->kind == COLUMN_TEXT || column->kind == COLUMN_OCTETS) {
            free(*text);
        }
    }
    memset(value, 0, row->size);
}
