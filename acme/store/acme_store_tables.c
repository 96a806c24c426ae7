/* The tables of the ACME store: accounts, hosts, orders and certificates. */
#include "acme/store/acme_store_parts.h"

#define COLUMN(kind, type, name)                                                                   \
    {                                                                                              \
        (kind), offsetof(struct type, name), 0                                                     \
    }
#define ROW(what, type, columns)                                                                   \
    {                                                                                              \
        (what), sizeof(struct type), (columns), ARRAY_LENGTH(columns)                              \
    }

/* ---- accounts ---- */

static const struct column ACCOUNT_COLUMNS[] = {
    COLUMN(COLUMN_TEXT, acme_store_account, directory),
    COLUMN(COLUMN_SECRET, acme_store_account, key),
    COLUMN(COLUMN_TEXT, acme_store_account, url),
    COLUMN(COLUMN_SECRET, acme_store_account, next_key),
    COLUMN(COLUMN_REAL, acme_store_account, tokens),
    COLUMN(COLUMN_INTEGER, acme_store_account, tokens_s),
    COLUMN(COLUMN_INTEGER, acme_store_account, wait_s),
    COLUMN(COLUMN_INTEGER, acme_store_account, ca_wait_s),
};
static const struct row ACCOUNT = ROW("account", acme_store_account, ACCOUNT_COLUMNS);

bool acme_store_find_account(struct acme_store *store, const char *directory,
                             struct acme_store_account *ret_account, struct error *e)
{
    return acme_store_find_row(store, FIND_ACCOUNT, &ACCOUNT, directory, ret_account, e);
}

bool acme_store_put_account(struct acme_store *store, const struct acme_store_account *account,
                            struct error *e)
{
    return acme_store_put_row(store, PUT_ACCOUNT, &ACCOUNT, account, e);
}

void acme_store_account_clear(struct acme_store_account *account)
{
    acme_store_clear_row(&ACCOUNT, account);
}

/* ---- hosts ---- */

static const struct column HOST_COLUMNS[] = {
    COLUMN(COLUMN_TEXT, acme_store_host, name),
    COLUMN(COLUMN_UNSIGNED, acme_store_host, trouble),
    COLUMN(COLUMN_UNSIGNED, acme_store_host, failures),
    COLUMN(COLUMN_UNSIGNED, acme_store_host, challenge),
    COLUMN(COLUMN_INTEGER, acme_store_host, next_s),
    COLUMN(COLUMN_TEXT, acme_store_host, problem),
    COLUMN(COLUMN_TEXT, acme_store_host, settings),
};
static const struct row HOST = ROW("state", acme_store_host, HOST_COLUMNS);

bool acme_store_find_host(struct acme_store *store, const char *name,
                          struct acme_store_host *ret_host, struct error *e)
{
    return acme_store_find_row(store, FIND_HOST, &HOST, name, ret_host, e);
}

bool acme_store_put_host(struct acme_store *store, const struct acme_store_host *host,
                         struct error *e)
{
    return acme_store_put_row(store, PUT_HOST, &HOST, host, e);
}

bool acme_store_remove_host(struct acme_store *store, const char *name, struct error *e)
{
    return acme_store_remove_row(store, REMOVE_HOST, name, e);
}

bool acme_store_each_host(struct acme_store *store,
                          void (*visit)(const struct acme_store_host *host, void *context),
                          void *context, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, EACH_HOST, e);
    if (s == NULL) {
        return false;
    }
    struct acme_store_host host;
    enum database_step step;
    while ((step = acme_store_next_row(store, s, &HOST, &host, e)) == DATABASE_ROW) {
        visit(&host, context);
        acme_store_host_clear(&host);
    }
    return step == DATABASE_DONE;
}

void acme_store_host_clear(struct acme_store_host *host)
{
    acme_store_clear_row(&HOST, host);
}

/* ---- orders ---- */

static const struct column ORDER_COLUMNS[] = {
    COLUMN(COLUMN_TEXT, acme_store_order, host),
    COLUMN(COLUMN_TEXT, acme_store_order, directory),
    COLUMN(COLUMN_TEXT, acme_store_order, account),
    COLUMN(COLUMN_TEXT, acme_store_order, url),
    COLUMN(COLUMN_SECRET, acme_store_order, key),
    {COLUMN_OCTETS, offsetof(struct acme_store_order, csr),
     offsetof(struct acme_store_order, csr_octets)},
    COLUMN(COLUMN_INTEGER, acme_store_order, begun_s),
};
static const struct row ORDER = ROW("order", acme_store_order, ORDER_COLUMNS);

bool acme_store_find_order(struct acme_store *store, const char *host,
                           struct acme_store_order *ret_order, struct error *e)
{
    return acme_store_find_row(store, FIND_ORDER, &ORDER, host, ret_order, e);
}

bool acme_store_put_order(struct acme_store *store, const struct acme_store_order *order,
                          struct error *e)
{
    return acme_store_put_row(store, PUT_ORDER, &ORDER, order, e);
}

bool acme_store_remove_order(struct acme_store *store, const char *host, struct error *e)
{
    return acme_store_remove_row(store, REMOVE_ORDER, host, e);
}

bool acme_store_each_order(struct acme_store *store,
                           void (*visit)(const struct acme_store_order *order, void *context),
                           void *context, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, EACH_ORDER, e);
    if (s == NULL) {
        return false;
    }
    struct acme_store_order order;
    enum database_step step;
    while ((step = acme_store_next_row(store, s, &ORDER, &order, e)) == DATABASE_ROW) {
        visit(&order, context);
        acme_store_order_clear(&order);
    }
    return step == DATABASE_DONE;
}

void acme_store_order_clear(struct acme_store_order *order)
{
    acme_store_clear_row(&ORDER, order);
}

/* ---- certificates ---- */

static const struct column CERTIFICATE_COLUMNS[] = {
    COLUMN(COLUMN_TEXT, acme_store_certificate, host),
    COLUMN(COLUMN_ID, acme_store_certificate, id),
    COLUMN(COLUMN_TEXT, acme_store_certificate, chain),
    COLUMN(COLUMN_SECRET, acme_store_certificate, key),
    COLUMN(COLUMN_TEXT, acme_store_certificate, directory),
    COLUMN(COLUMN_TEXT, acme_store_certificate, account),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, not_before_s),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, not_after_s),
    COLUMN(COLUMN_TEXT, acme_store_certificate, ari_id),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, ari_start_s),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, ari_end_s),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, renew_s),
    COLUMN(COLUMN_INTEGER, acme_store_certificate, ari_next_s),
    COLUMN(COLUMN_BOOL, acme_store_certificate, revoked),
};
static const struct row CERTIFICATE =
    ROW("certificate", acme_store_certificate, CERTIFICATE_COLUMNS);

bool acme_store_put_certificate(struct acme_store *store,
                                const struct acme_store_certificate *certificate, int64_t *ret_id,
                                struct error *e)
{
    if (!acme_store_put_row(store, PUT_CERTIFICATE, &CERTIFICATE, certificate, e)) {
        return false;
    }
    if (ret_id != NULL) {
        *ret_id = sqlite3_last_insert_rowid(store->database.handle);
    }
    return true;
}

bool acme_store_note_certificate(struct acme_store *store,
                                 const struct acme_store_certificate *certificate, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, NOTE_CERTIFICATE, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_text(s, 1, certificate->host, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, certificate->ari_start_s);
    sqlite3_bind_int64(s, 3, certificate->ari_end_s);
    sqlite3_bind_int64(s, 4, certificate->renew_s);
    sqlite3_bind_int64(s, 5, certificate->ari_next_s);
    sqlite3_bind_int(s, 6, certificate->revoked);
    if (!database_run(&store->database, s, e)) {
        return false;
    }
    return sqlite3_changes(store->database.handle) == 1 ||
           error_set(e, ERROR_NOT_FOUND, "%s holds no certificate of %.255s", store->database.path,
                     certificate->host);
}

bool acme_store_find_certificate(struct acme_store *store, const char *host,
                                 struct acme_store_certificate *ret_certificate, struct error *e)
{
    return acme_store_find_row(store, FIND_CERTIFICATE, &CERTIFICATE, host, ret_certificate, e);
}

bool acme_store_remove_certificate(struct acme_store *store, const char *host, struct error *e)
{
    return acme_store_remove_row(store, REMOVE_CERTIFICATE, host, e);
}

bool acme_store_each_certificate(struct acme_store *store, int64_t after,
                                 bool (*visit)(const struct acme_store_certificate *certificate,
                                               void *context),
                                 void *context, struct error *e)
{
    sqlite3_stmt *s = acme_store_statement(store, EACH_CERTIFICATE, e);
    if (s == NULL) {
        return false;
    }
    sqlite3_bind_int64(s, 1, after);
    struct acme_store_certificate certificate;
    enum database_step step = DATABASE_DONE;
    bool more = true;
    while (more &&
           (step = acme_store_next_row(store, s, &CERTIFICATE, &certificate, e)) == DATABASE_ROW) {
        more = visit(&certificate, context);
        acme_store_certificate_clear(&certificate);
    }
    sqlite3_reset(s);
    return step != DATABASE_FAILED;
}

void acme_store_certificate_clear(struct acme_store_certificate *certificate)
{
    acme_store_clear_row(&CERTIFICATE, certificate);
}
