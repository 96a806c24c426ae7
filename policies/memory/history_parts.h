/* What history.c and history_leaving.c share. */
#ifndef POLICIES_MEMORY_HISTORY_PARTS_H
#define POLICIES_MEMORY_HISTORY_PARTS_H

#include <sqlite3.h>

#include "lib/base/bytes.h"
#include "lib/store/database.h"

enum { HISTORY_QUERIES_MAX = 32, HISTORY_LEAVING_QUERIES_MAX = 24 };

struct history {
    struct database database;
    sqlite3_stmt *statements[HISTORY_QUERIES_MAX]; /* prepared at their first use */
    int64_t latest_s;                              /* the greatest time noted */
    bool latest_known;
    sqlite3_stmt *leaving[HISTORY_LEAVING_QUERIES_MAX];
    bool leaving_none; /* its table has no row, which this handle alone could change */
};

/* No sender keeps a policy longer (RFC 8461 §3.2): how long it matters what a domain used. */
enum { HISTORY_LONGEST_S = 31557600 };

/* The tables of history_leaving.c, made where they are missing. */
bool history_leaving_open(struct history *history, struct error *e) MUST_USE;
/* SUBJECT, which goes, served the text with DIGEST last. To be noted before it is gone. */
bool history_leaving_note_last(struct history *history, struct bytes subject,
                               const unsigned char digest[32], struct error *e) MUST_USE;
void history_leaving_close(struct history *history);
bool history_leaving_prune(struct history *history, int64_t now_s, struct error *e) MUST_USE;

/* Text is borrowed until the statement is reset; an empty one is NULL. */
static inline void history_bind_text(sqlite3_stmt *s, int at, struct bytes text)
{
    if (text.n == 0) {
        sqlite3_bind_null(s, at);
    } else {
        sqlite3_bind_text64(s, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
    }
}

static inline struct bytes history_column_bytes(sqlite3_stmt *s, int column)
{
    const char *p = sqlite3_column_blob(s, column);
    return (struct bytes){p, p != NULL ? (size_t)sqlite3_column_bytes(s, column) : 0};
}

#endif
