#include "history.h"

#include <assert.h>
#include <string.h>

#include "policies/memory/history_parts.h"

enum {
    SCHEMA_VERSION = 1,
    DIGEST_OCTETS = sizeof(((struct history_served *)NULL)->digest),
};

/* `current` is what a subject serves, `past` what it served until `until_s`. In both exactly one of
 * `text` and `shared` is set; in `past` neither where it is not known what was served until then. A
 * text is stored once, however many subjects serve it. */
static const char SCHEMA[] = "CREATE TABLE texts ("
                             " id INTEGER PRIMARY KEY,"
                             " digest BLOB NOT NULL UNIQUE,"
                             " max_age_s INTEGER NOT NULL,"
                             " body BLOB NOT NULL);"
                             "CREATE TABLE current ("
                             " subject TEXT NOT NULL PRIMARY KEY,"
                             " since_s INTEGER NOT NULL,"
                             " text INTEGER,"
                             " shared TEXT) WITHOUT ROWID;"
                             "CREATE TABLE past ("
                             " id INTEGER PRIMARY KEY,"
                             " subject TEXT NOT NULL,"
                             " since_s INTEGER NOT NULL,"
                             " until_s INTEGER NOT NULL,"
                             " text INTEGER,"
                             " shared TEXT);"
                             "CREATE INDEX past_subject ON past (subject);";

/* Every text served for ?1 with the time it was served last (`last_s`, NULL: it is served now),
 * through shared policies too, as far as they were used. Times have whole seconds, so where a
 * change of the shared policy and one of its use fall into the same second, both texts count: too
 * many is safe, too few is not. `own` breaks ties for "the one before". */
#define SERVED                                                                                     \
    "WITH used(shared, since_s, until_s) AS ("                                                     \
    " SELECT shared, since_s, until_s FROM past WHERE subject = ?1 AND shared IS NOT NULL"         \
    " UNION ALL"                                                                                   \
    " SELECT shared, since_s, NULL FROM current WHERE subject = ?1 AND shared IS NOT NULL),"       \
    "served(text, last_s, own) AS ("                                                               \
    " SELECT text, until_s, 1 FROM past WHERE subject = ?1 AND text IS NOT NULL"                   \
    " UNION ALL"                                                                                   \
    " SELECT text, NULL, 1 FROM current WHERE subject = ?1 AND text IS NOT NULL"                   \
    " UNION ALL"                                                                                   \
    " SELECT p.text, min(p.until_s, ifnull(u.until_s, p.until_s)), 0"                              \
    " FROM used u JOIN past p ON p.subject = u.shared"                                             \
    " WHERE p.text IS NOT NULL AND p.until_s >= u.since_s"                                         \
    " AND (u.until_s IS NULL OR p.since_s <= u.until_s)"                                           \
    " UNION ALL"                                                                                   \
    " SELECT c.text, u.until_s, 0 FROM used u JOIN current c ON c.subject = u.shared"              \
    " WHERE c.text IS NOT NULL AND (u.until_s IS NULL OR c.since_s <= u.until_s)),"                \
    "other(text, last_s, own) AS ("                                                                \
    " SELECT text, last_s, own FROM served WHERE text NOT IN"                                      \
    " (SELECT text FROM served WHERE last_s IS NULL)) "

enum query {
    FIND_CURRENT,
    FIND_TEXT,
    ADD_TEXT,
    ADD_CURRENT,
    CHANGE_CURRENT,
    REMOVE_CURRENT,
    ADD_PAST,
    ADD_GAP,
    LATEST_TIME,
    IS_KNOWN,
    HELD_UNTIL,
    HELD,
    TEXT_BEFORE,
    TEXT_BY_DIGEST,
    LAST_DIGEST,
    PRUNE_TEXTS_SERVED,
    PRUNE_USES,
    PRUNE_TEXTS,
    QUERY_COUNT,
};

static const char *const queries[QUERY_COUNT] = {
    [FIND_CURRENT] = "SELECT c.since_s, c.text, c.shared, t.digest FROM current c"
                     " LEFT JOIN texts t ON t.id = c.text WHERE c.subject = ?1",
    [FIND_TEXT] = "SELECT id FROM texts WHERE digest = ?1",
    [ADD_TEXT] = "INSERT INTO texts (digest, max_age_s, body) VALUES (?1, ?2, ?3)",
    [ADD_CURRENT] = "INSERT INTO current (subject, since_s, text, shared) VALUES (?1, ?2, ?3, ?4)",
    [CHANGE_CURRENT] = "UPDATE current SET since_s = ?2, text = ?3, shared = ?4 WHERE subject = ?1",
    [REMOVE_CURRENT] = "DELETE FROM current WHERE subject = ?1",
    [ADD_PAST] = "INSERT INTO past (subject, since_s, until_s, text, shared)"
                 " SELECT subject, since_s, ?2, text, shared FROM current"
                 " WHERE subject = ?1",
    [ADD_GAP] = "INSERT INTO past (subject, since_s, until_s) VALUES (?1, ?2, ?2)",
    [LATEST_TIME] = "SELECT max(ifnull((SELECT max(since_s) FROM current), 0),"
                    " ifnull((SELECT max(until_s) FROM past), 0))",
    [IS_KNOWN] = "SELECT (EXISTS (SELECT 1 FROM current WHERE subject = ?1)"
                 " OR EXISTS (SELECT 1 FROM past WHERE subject = ?1)"
                 /* It left, and all that was known is held no more. */
                 " OR EXISTS (SELECT 1 FROM left_with WHERE domain = ?1))"
                 " AND NOT EXISTS (SELECT 1 FROM past WHERE text IS NULL AND shared IS NULL"
                 " AND (subject = ?1 OR subject IN"
                 " (SELECT shared FROM current WHERE subject = ?1 AND shared IS NOT NULL"
                 " UNION SELECT shared FROM past WHERE subject = ?1 AND shared IS NOT NULL)))",
    [HELD_UNTIL] = SERVED "SELECT ifnull(max(o.last_s + t.max_age_s), 0)"
                          " FROM other o JOIN texts t ON t.id = o.text",
    [HELD] = SERVED "SELECT t.body, max(o.last_s + t.max_age_s) AS until_s"
                    " FROM other o JOIN texts t ON t.id = o.text"
                    " GROUP BY t.id HAVING until_s > ?2 ORDER BY until_s DESC LIMIT ?3",
    [TEXT_BEFORE] = SERVED "SELECT t.body FROM other o JOIN texts t ON t.id = o.text"
                           " ORDER BY o.last_s DESC, o.own DESC, t.id DESC LIMIT 1",
    [TEXT_BY_DIGEST] = SERVED "SELECT t.body FROM served s JOIN texts t ON t.id = s.text"
                              " WHERE substr(hex(t.digest), 1, length(?2)) = upper(?2)"
                              " ORDER BY s.last_s IS NOT NULL, s.last_s DESC LIMIT 1",
    [LAST_DIGEST] = SERVED "SELECT t.digest FROM served s JOIN texts t ON t.id = s.text"
                           " ORDER BY s.last_s IS NOT NULL, s.last_s DESC, s.own DESC, t.id DESC"
                           " LIMIT 1",
    [PRUNE_TEXTS_SERVED] = "DELETE FROM past WHERE text IS NOT NULL AND until_s +"
                           " (SELECT max_age_s FROM texts WHERE texts.id = past.text) < ?1",
    [PRUNE_USES] = "DELETE FROM past WHERE text IS NULL AND until_s + ?2 < ?1",
    [PRUNE_TEXTS] = "DELETE FROM texts WHERE id NOT IN"
                    " (SELECT text FROM current WHERE text IS NOT NULL"
                    " UNION SELECT text FROM past WHERE text IS NOT NULL)",
};

_Static_assert((int)QUERY_COUNT <= (int)HISTORY_QUERIES_MAX, "room for the statements");

bool history_open(const char *path, struct history **ret_history, struct error *e)
{
    struct database database;
    if (!database_open(path, "history", SCHEMA, SCHEMA_VERSION, &database, e)) {
        return false;
    }
    struct history *history = memory_zero(1, sizeof(*history));
    history->database = database;
    if (!history_leaving_open(history, e)) {
        history_close(history);
        return false;
    }
    *ret_history = history;
    return true;
}

bool history_open_reading(const char *path, struct history **ret_history, struct error *e)
{
    struct database database;
    if (!database_open_reading(path, "history", SCHEMA_VERSION, &database, e)) {
        return false;
    }
    struct history *history = memory_zero(1, sizeof(*history));
    history->database = database;
    *ret_history = history;
    return true;
}

void history_close(struct history *history)
{
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(history->statements[i]);
    }
    history_leaving_close(history);
    database_close(&history->database);
    free(history);
}

/* The statement, ready to be bound; NULL: E says why. */
static sqlite3_stmt *statement(struct history *history, enum query query, struct error *e)
{
    sqlite3_stmt **place = &history->statements[query];
    if (*place == NULL) {
        *place = database_prepare(&history->database, queries[query], e);
    }
    return *place;
}

bool history_begin(struct history *history, struct error *e)
{
    return database_execute(&history->database, "BEGIN IMMEDIATE", e);
}

bool history_commit(struct history *history, struct error *e)
{
    if (!database_execute(&history->database, "COMMIT", e)) {
        (void)sqlite3_exec(history->database.handle, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    (void)sqlite3_db_release_memory(history->database.handle);
    return true;
}

enum found { FOUND_NOTHING, FOUND_THE_SAME, FOUND_ANOTHER, FIND_FAILED };

static enum found find_current(struct history *history, const struct history_served *served,
                               struct error *e)
{
    sqlite3_stmt *s = statement(history, FIND_CURRENT, e);
    if (s == NULL) {
        return FIND_FAILED;
    }
    history_bind_text(s, 1, served->subject);
    enum found found = FOUND_NOTHING;
    switch (database_step(&history->database, s, e)) {
    case DATABASE_FAILED:
        found = FIND_FAILED;
        break;
    case DATABASE_DONE:
        break;
    case DATABASE_ROW: {
        struct bytes digest = {(const char *)served->digest, DIGEST_OCTETS};
        bool same = served->shared.n != 0 ? bytes_equal(history_column_bytes(s, 2), served->shared)
                                          : bytes_equal(history_column_bytes(s, 3), digest);
        found = same ? FOUND_THE_SAME : FOUND_ANOTHER;
        break;
    }
    }
    sqlite3_reset(s);
    return found;
}

static bool find_or_add_text(struct history *history, const struct history_served *served,
                             int64_t *ret_id, struct error *e)
{
    sqlite3_stmt *find = statement(history, FIND_TEXT, e);
    sqlite3_stmt *add = find != NULL ? statement(history, ADD_TEXT, e) : NULL;
    if (add == NULL) {
        return false;
    }
    sqlite3_bind_blob(find, 1, served->digest, DIGEST_OCTETS, SQLITE_STATIC);
    enum database_step step = database_step(&history->database, find, e);
    if (step == DATABASE_ROW) {
        *ret_id = sqlite3_column_int64(find, 0);
    }
    sqlite3_reset(find);
    if (step != DATABASE_DONE) {
        return step == DATABASE_ROW;
    }
    sqlite3_bind_blob(add, 1, served->digest, DIGEST_OCTETS, SQLITE_STATIC);
    sqlite3_bind_int64(add, 2, served->max_age_s);
    sqlite3_bind_blob64(add, 3, served->body.p, served->body.n, SQLITE_STATIC);
    if (!database_run(&history->database, add, e)) {
        return false;
    }
    *ret_id = sqlite3_last_insert_rowid(history->database.handle);
    return true;
}

/* What SUBJECT serves was served last at NOW. */
static bool close_current(struct history *history, struct bytes subject, int64_t now_s,
                          struct error *e)
{
    sqlite3_stmt *s = statement(history, ADD_PAST, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    sqlite3_bind_int64(s, 2, now_s);
    return database_run(&history->database, s, e);
}

/* A clock that steps back would say that what is served now was served before what it replaced, and
 * the time until which senders hold it would come out too early: time stands still here until the
 * clock has caught up. Too late is safe. */
static bool not_before_latest(struct history *history, int64_t *now_s, struct error *e)
{
    if (!history->latest_known) {
        sqlite3_stmt *s = statement(history, LATEST_TIME, e);
        if (s == NULL) {
            return false;
        }
        enum database_step step = database_step(&history->database, s, e);
        if (step == DATABASE_ROW) {
            history->latest_s = sqlite3_column_int64(s, 0);
            history->latest_known = true;
        }
        sqlite3_reset(s);
        if (step != DATABASE_ROW) {
            return false;
        }
    }
    if (*now_s < history->latest_s) {
        *now_s = history->latest_s;
    }
    history->latest_s = *now_s;
    return true;
}

bool history_note(struct history *history, const struct history_served *served, int64_t now_s,
                  struct error *e)
{
    assert(served->subject.n != 0);
    enum found found = find_current(history, served, e);
    if (found == FIND_FAILED || found == FOUND_THE_SAME) {
        return found == FOUND_THE_SAME;
    }
    if (!not_before_latest(history, &now_s, e)) {
        return false;
    }
    if (found == FOUND_ANOTHER && !close_current(history, served->subject, now_s, e)) {
        return false;
    }
    int64_t text = 0;
    if (served->shared.n == 0 && !find_or_add_text(history, served, &text, e)) {
        return false;
    }
    sqlite3_stmt *s = statement(history, found == FOUND_NOTHING ? ADD_CURRENT : CHANGE_CURRENT, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, served->subject);
    sqlite3_bind_int64(s, 2, now_s);
    if (served->shared.n == 0) {
        sqlite3_bind_int64(s, 3, text);
    } else {
        sqlite3_bind_null(s, 3);
    }
    history_bind_text(s, 4, served->shared);
    return database_run(&history->database, s, e);
}

bool history_note_gap(struct history *history, struct bytes subject, int64_t now_s, struct error *e)
{
    sqlite3_stmt *s = statement(history, ADD_GAP, e);
    if (s == NULL || !not_before_latest(history, &now_s, e)) {
        return false;
    }
    history_bind_text(s, 1, subject);
    sqlite3_bind_int64(s, 2, now_s);
    return database_run(&history->database, s, e);
}

/* One integer from a statement about SUBJECT. */
static bool ask_integer(struct history *history, enum query query, struct bytes subject,
                        int64_t *ret_value, struct error *e)
{
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    enum database_step step = database_step(&history->database, s, e);
    if (step == DATABASE_ROW) {
        *ret_value = sqlite3_column_int64(s, 0);
    }
    sqlite3_reset(s);
    return step == DATABASE_ROW;
}

bool history_held_until(struct history *history, struct bytes domain, bool *ret_known,
                        int64_t *ret_until_s, struct error *e)
{
    int64_t known = 0;
    int64_t until_s = 0;
    if (!ask_integer(history, IS_KNOWN, domain, &known, e) ||
        !ask_integer(history, HELD_UNTIL, domain, &until_s, e)) {
        return false;
    }
    *ret_known = known != 0;
    *ret_until_s = until_s;
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): what is to be called is two of its parameters */
bool history_each_held(struct history *history, struct bytes subject, int64_t now_s, size_t most,
                       void (*visit)(struct bytes text, int64_t until_s, void *context),
                       void *context, struct error *e)
{
    sqlite3_stmt *s = statement(history, HELD, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    sqlite3_bind_int64(s, 2, now_s);
    sqlite3_bind_int64(s, 3, (int64_t)most);
    enum database_step step = database_step(&history->database, s, e);
    while (step == DATABASE_ROW) {
        visit(history_column_bytes(s, 0), sqlite3_column_int64(s, 1), context);
        step = database_step(&history->database, s, e);
    }
    sqlite3_reset(s);
    return step == DATABASE_DONE;
}

bool history_text(struct history *history, struct bytes subject, struct bytes digest_prefix,
                  struct buffer *text, struct error *e)
{
    bool before = digest_prefix.n == 0;
    sqlite3_stmt *s = statement(history, before ? TEXT_BEFORE : TEXT_BY_DIGEST, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    if (!before) {
        history_bind_text(s, 2, digest_prefix);
    }
    enum database_step step = database_step(&history->database, s, e);
    if (step == DATABASE_ROW) {
        buffer_add(text, history_column_bytes(s, 0));
    }
    sqlite3_reset(s);
    if (step != DATABASE_DONE) {
        return step == DATABASE_ROW;
    }
    return before ? error_set(e, ERROR_NOT_FOUND, "no earlier text of %.*s is known",
                              BYTES_ARG(subject))
                  : error_set(e, ERROR_NOT_FOUND,
                              "no text of %.*s whose digest begins with %.*s is "
                              "known",
                              BYTES_ARG(subject), BYTES_ARG(digest_prefix));
}

bool history_last_digest(struct history *history, struct bytes subject,
                         unsigned char ret_digest[DIGEST_OCTETS], struct error *e)
{
    sqlite3_stmt *s = statement(history, LAST_DIGEST, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    enum database_step step = database_step(&history->database, s, e);
    struct bytes digest = step == DATABASE_ROW ? history_column_bytes(s, 0) : (struct bytes){0};
    bool known = digest.n == DIGEST_OCTETS;
    if (known) {
        memcpy(ret_digest, digest.p, DIGEST_OCTETS);
    }
    sqlite3_reset(s);
    return known || (step != DATABASE_FAILED &&
                     error_set(e, ERROR_NOT_FOUND, "no text of %.*s is known", BYTES_ARG(subject)));
}

/* Nothing of it where no text of SUBJECT is known. */
static bool note_last(struct history *history, struct bytes subject, struct error *e)
{
    unsigned char digest[DIGEST_OCTETS];
    return history_last_digest(history, subject, digest, e)
               ? history_leaving_note_last(history, subject, digest, e)
               : e->code == ERROR_NOT_FOUND;
}

bool history_note_gone(struct history *history, struct bytes subject, int64_t now_s,
                       struct error *e)
{
    if (!not_before_latest(history, &now_s, e) || !note_last(history, subject, e) ||
        !close_current(history, subject, now_s, e)) {
        return false;
    }
    sqlite3_stmt *s = statement(history, REMOVE_CURRENT, e);
    if (s == NULL) {
        return false;
    }
    history_bind_text(s, 1, subject);
    return database_run(&history->database, s, e);
}

bool history_is_last(struct history *history, struct bytes subject,
                     const unsigned char digest[DIGEST_OCTETS], bool *ret_last, struct error *e)
{
    unsigned char last[DIGEST_OCTETS];
    bool known = history_last_digest(history, subject, last, e);
    *ret_last = known && memcmp(last, digest, DIGEST_OCTETS) == 0;
    return known || e->code == ERROR_NOT_FOUND;
}

static bool prune(struct history *history, enum query query, int64_t now_s, struct error *e)
{
    sqlite3_stmt *s = statement(history, query, e);
    if (s == NULL) {
        return false;
    }
    if (query != PRUNE_TEXTS) {
        sqlite3_bind_int64(s, 1, now_s);
    }
    if (query == PRUNE_USES) {
        sqlite3_bind_int64(s, 2, HISTORY_LONGEST_S);
    }
    return database_run(&history->database, s, e);
}

bool history_prune(struct history *history, int64_t now_s, struct error *e)
{
    if (!history_begin(history, e)) {
        return false;
    }
    int before = sqlite3_total_changes(history->database.handle);
    bool ok = prune(history, PRUNE_TEXTS_SERVED, now_s, e) &&
              prune(history, PRUNE_USES, now_s, e) && history_leaving_prune(history, now_s, e);
    /* Looking for texts that nobody serves reads everything: only where there may be some. */
    if (ok && sqlite3_total_changes(history->database.handle) != before) {
        ok = prune(history, PRUNE_TEXTS, now_s, e);
    }
    if (!ok) {
        (void)sqlite3_exec(history->database.handle, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return history_commit(history, e);
}
