#include "history_leaving.h"

#include "policies/memory/history_parts.h"

static const char SCHEMA[] = "CREATE TABLE IF NOT EXISTS leaving ("
                             " domain TEXT NOT NULL PRIMARY KEY,"
                             " retired_s INTEGER NOT NULL,"
                             " gone_s INTEGER NOT NULL) WITHOUT ROWID;"
                             "CREATE INDEX IF NOT EXISTS leaving_gone ON leaving (gone_s);"
                             "CREATE TABLE IF NOT EXISTS none_at_first ("
                             " domain TEXT NOT NULL PRIMARY KEY,"
                             " since_s INTEGER NOT NULL) WITHOUT ROWID;"
                             /* Written down, as texts that nobody holds any more are forgotten. */
                             "CREATE TABLE IF NOT EXISTS left_with ("
                             " domain TEXT NOT NULL PRIMARY KEY,"
                             " shared TEXT,"
                             " digest BLOB) WITHOUT ROWID;";

enum query {
    NONE_AT_FIRST,
    RETIRED,
    LEFT,
    STAYS,
    FORGET_FIRST,
    USERS_RETIRED,
    USERS_STAY,
    USERS_FORGET_FIRST,
    IS_NONE_AT_FIRST,
    IS_RETIRED,
    EACH,
    EACH_LEFT,
    LEFT_WITH,
    EACH_RETIRED,
    COUNT_LEFT,
    ANY,
    PRUNE,
    PRUNE_FIRST,
    PRUNE_LEFT_WITH,
    EACH_CURRENT,
    COUNT_CURRENT,
    QUERY_COUNT
};
_Static_assert((int)QUERY_COUNT <= (int)HISTORY_LEAVING_QUERIES_MAX, "room for the statements");

#define LEAVING                                                                                    \
    "SELECT domain, retired_s, gone_s, shared, digest FROM leaving LEFT JOIN left_with"            \
    " USING (domain)"

static const char *const queries[QUERY_COUNT] = {
    /* Written down, as what was served before is pruned once nobody holds it. */
    [NONE_AT_FIRST] =
        "INSERT OR IGNORE INTO none_at_first (domain, since_s)"
        " SELECT subject, since_s FROM current c WHERE subject = ?1"
        " AND NOT EXISTS (SELECT 1 FROM leaving WHERE domain = ?1 AND retired_s > 0)"
        " AND NOT EXISTS (SELECT 1 FROM past WHERE subject = ?1"
        " AND (text IS NOT NULL OR shared IS NOT NULL))"
        " AND NOT EXISTS (SELECT 1 FROM past WHERE subject = c.shared AND text IS NOT NULL"
        " AND until_s >= c.since_s)",
    [RETIRED] = "INSERT INTO leaving (domain, retired_s, gone_s) VALUES (?1, ?2, 0)"
                " ON CONFLICT (domain) DO UPDATE SET gone_s = 0,"
                " retired_s = iif(retired_s = 0, ?2, retired_s)",
    [LEFT] = "INSERT INTO leaving (domain, retired_s, gone_s) VALUES (?1, 0, ?2)"
             " ON CONFLICT (domain) DO UPDATE SET gone_s = ?2",
    [STAYS] = "DELETE FROM leaving WHERE domain = ?1",
    [FORGET_FIRST] = "DELETE FROM none_at_first WHERE domain = ?1",
    [USERS_RETIRED] = "INSERT INTO leaving (domain, retired_s, gone_s)"
                      " SELECT subject, ?2, 0 FROM current WHERE shared = ?1"
                      " ON CONFLICT (domain) DO UPDATE SET gone_s = 0,"
                      " retired_s = iif(retired_s = 0, ?2, retired_s)",
    [USERS_STAY] = "DELETE FROM leaving WHERE EXISTS"
                   " (SELECT 1 FROM current WHERE subject = domain AND shared = ?1)",
    [USERS_FORGET_FIRST] = "DELETE FROM none_at_first WHERE EXISTS"
                           " (SELECT 1 FROM current WHERE subject = domain AND shared = ?1)",
    [IS_NONE_AT_FIRST] =
        "SELECT EXISTS (SELECT 1 FROM none_at_first WHERE domain = ?1 AND since_s >= ?2)",
    [IS_RETIRED] = "SELECT EXISTS"
                   " (SELECT 1 FROM leaving WHERE domain = ?1 AND retired_s > 0 AND gone_s = 0)",
    [EACH] = LEAVING " ORDER BY gone_s DESC, domain LIMIT ?1",
    [EACH_LEFT] = LEAVING " WHERE gone_s > 0 AND domain > ?2 ORDER BY domain LIMIT ?1",
    [LEFT_WITH] = "INSERT OR REPLACE INTO left_with (domain, shared, digest) VALUES (?1,"
                  " (SELECT shared FROM current WHERE subject = ?1), ?2)",
    [EACH_RETIRED] =
        LEAVING " WHERE gone_s = 0 AND retired_s > 0 AND domain > ?2 ORDER BY domain LIMIT ?1",
    [COUNT_LEFT] = "SELECT count(*) FROM leaving WHERE gone_s > 0",
    [ANY] = "SELECT EXISTS (SELECT 1 FROM leaving)",
    [EACH_CURRENT] = "SELECT subject FROM current",
    [COUNT_CURRENT] = "SELECT count(*) FROM current",
    [PRUNE] = "DELETE FROM leaving WHERE gone_s > 0 AND gone_s < ?1",
    [PRUNE_FIRST] = "DELETE FROM none_at_first WHERE since_s < ?1",
    [PRUNE_LEFT_WITH] = "DELETE FROM left_with WHERE domain NOT IN (SELECT domain FROM leaving)",
};

static sqlite3_stmt *statement(struct history *history, enum query query, struct error *e)
{
    sqlite3_stmt **place = &history->leaving[query];
    if (*place == NULL) {
        *place = database_prepare(&history->database, queries[query], e);
    }
    return *place;
}

static bool ask_integer(struct history *history, enum query query, int64_t *ret_value,
                        struct error *e)
{
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    enum database_step step = database_step(&history->database, s, e);
    if (step == DATABASE_ROW) {
        *ret_value = sqlite3_column_int64(s, 0);
    }
    sqlite3_reset(s);
    return step == DATABASE_ROW;
}

bool history_leaving_open(struct history *history, struct error *e)
{
    int64_t any = 0;
    if (!database_execute(&history->database, SCHEMA, e) || !ask_integer(history, ANY, &any, e)) {
        return false;
    }
    history->leaving_none = any == 0;
    return true;
}

void history_leaving_close(struct history *history)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(history->leaving[i]);
    }
}

static bool note(struct history *history, enum query query, struct bytes domain, int64_t now_s,
                 struct error *e)
{
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, domain);
    if (query == RETIRED || query == LEFT || query == USERS_RETIRED) {
        sqlite3_bind_int64(s, 2, now_s);
        history->leaving_none = false;
    }
    return database_run(&history->database, s, e);
}

bool history_note_retired(struct history *history, struct bytes domain, int64_t now_s,
                          struct error *e)
{
    return note(history, NONE_AT_FIRST, domain, 0, e) && note(history, RETIRED, domain, now_s, e);
}

bool history_note_left(struct history *history, struct bytes domain, int64_t now_s, struct error *e)
{
    return note(history, LEFT, domain, now_s, e);
}

bool history_leaving_note_last(struct history *history, struct bytes subject,
                               const unsigned char digest[32], struct error *e)
{
    sqlite3_stmt *s = statement(history, LEFT_WITH, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    sqlite3_bind_blob(s, 2, digest, 32, SQLITE_STATIC);
    return database_run(&history->database, s, e);
}

bool history_note_stays(struct history *history, struct bytes domain, struct error *e)
{
    /* At a start it is said of a million. */
    return history->leaving_none ||
           (note(history, STAYS, domain, 0, e) && note(history, FORGET_FIRST, domain, 0, e));
}

bool history_note_users_retired(struct history *history, struct bytes shared, int64_t now_s,
                                struct error *e)
{
    return note(history, USERS_RETIRED, shared, now_s, e);
}

bool history_note_users_stay(struct history *history, struct bytes shared, struct error *e)
{
    return history->leaving_none || (note(history, USERS_STAY, shared, 0, e) &&
                                     note(history, USERS_FORGET_FIRST, shared, 0, e));
}

/* The same of DOMAIN, with a second value where the query has one. */
static bool ask_truth(struct history *history, enum query query, struct bytes domain,
                      int64_t second, bool *ret_truth, struct error *e)
{
    int64_t value = 0;
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, domain);
    sqlite3_bind_int64(s, 2, second);
    if (!ask_integer(history, query, &value, e)) {
        return false;
    }
    *ret_truth = value != 0;
    return true;
}

bool history_is_none_at_first(struct history *history, struct bytes domain, int64_t now_s,
                              bool *ret_first, struct error *e)
{
    return ask_truth(history, IS_NONE_AT_FIRST, domain, now_s - HISTORY_LONGEST_S, ret_first, e);
}

bool history_is_retired(struct history *history, struct bytes domain, bool *ret_retired,
                        struct error *e)
{
    return ask_truth(history, IS_RETIRED, domain, 0, ret_retired, e);
}

/* Calls VISIT for each row of S, which is bound. */
static bool each(struct history *history, sqlite3_stmt *s,
                 void (*visit)(const struct history_leaving *leaving, void *context), void *context,
                 struct error *e)
{
    enum database_step step = database_step(&history->database, s, e);
    while (step == DATABASE_ROW) {
        const struct history_leaving leaving = {
            .domain = history_column_bytes(s, 0),
            .retired_s = sqlite3_column_int64(s, 1),
            .gone_s = sqlite3_column_int64(s, 2),
            .shared = history_column_bytes(s, 3),
            .digest = history_column_bytes(s, 4),
        };
        visit(&leaving, context);
        step = database_step(&history->database, s, e);
    }
    sqlite3_reset(s);
    return step == DATABASE_DONE;
}

bool history_each_leaving(struct history *history, size_t most,
                          void (*visit)(const struct history_leaving *leaving, void *context),
                          void *context, struct error *e)
{
    sqlite3_stmt *s = statement(history, EACH, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_int64(s, 1, (int64_t)most);
    return each(history, s, visit, context, e);
}

/* The same of QUERY, which takes a page of MOST behind the name AFTER. */
/* NOLINTNEXTLINE(readability-function-size): what is to be called is two of its parameters */
static bool each_behind(struct history *history, enum query query, struct bytes after, size_t most,
                        void (*visit)(const struct history_leaving *leaving, void *context),
                        void *context, struct error *e)
{
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_int64(s, 1, (int64_t)most);
    sqlite3_bind_text64(s, 2, after.n != 0 ? after.p : "", after.n, SQLITE_STATIC, SQLITE_UTF8);
    return each(history, s, visit, context, e);
}

bool history_each_left(struct history *history, struct bytes after, size_t most,
                       void (*visit)(const struct history_leaving *leaving, void *context),
                       void *context, struct error *e)
{
    return each_behind(history, EACH_LEFT, after, most, visit, context, e);
}

bool history_each_retired(struct history *history, struct bytes after, size_t most,
                          void (*visit)(const struct history_leaving *leaving, void *context),
                          void *context, struct error *e)
{
    return each_behind(history, EACH_RETIRED, after, most, visit, context, e);
}

bool history_each_current(struct history *history,
                          void (*visit)(struct bytes subject, void *context), void *context,
                          struct error *e)
{
    sqlite3_stmt *s = statement(history, EACH_CURRENT, e);
    if (s == NULL) {
        return false;
    }
    enum database_step step = database_step(&history->database, s, e);
    while (step == DATABASE_ROW) {
        visit(history_column_bytes(s, 0), context);
        step = database_step(&history->database, s, e);
    }
    sqlite3_reset(s);
    return step == DATABASE_DONE;
}

bool history_count_current(struct history *history, int64_t *ret_count, struct error *e)
{
    return ask_integer(history, COUNT_CURRENT, ret_count, e);
}

bool history_count_left(struct history *history, int64_t *ret_count, struct error *e)
{
    return ask_integer(history, COUNT_LEFT, ret_count, e);
}

bool history_leaving_prune(struct history *history, int64_t now_s, struct error *e)
{
    static const enum query all[] = {PRUNE, PRUNE_FIRST, PRUNE_LEFT_WITH};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        sqlite3_stmt *s = statement(history, all[i], e);
        if (s == NULL) {
            return false;
        }
        sqlite3_bind_int64(s, 1, now_s - HISTORY_LONGEST_S);
        if (!database_run(&history->database, s, e)) {
            return false;
        }
    }
    return true;
}
