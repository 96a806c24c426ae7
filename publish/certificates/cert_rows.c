#include "cert_rows.h"

#include "acme/machine/renewal.h"

struct cert_row *cert_rows_add(struct cert_rows *rows, struct bytes host)
{
    size_t before = rows->names.count;
    struct name_map_item *item = name_map_add(&rows->names, host);
    if (rows->names.count == before) {
        return &rows->rows[item->value];
    }
    ARRAY_GROW(rows->rows, rows->count, rows->capacity);
    item->value = rows->count;
    rows->rows[rows->count] = (struct cert_row){0};
    return &rows->rows[rows->count++];
}

void cert_row_set_certificate(struct cert_row *row,
                              const struct acme_store_certificate *certificate)
{
    row->has_certificate = true;
    row->revoked = certificate->revoked;
    row->not_before_s = certificate->not_before_s;
    row->not_after_s = certificate->not_after_s;
    row->renew_s = certificate->renew_s;
    free(row->directory);
    row->directory = memory_string_or_null(certificate->directory);
}

void cert_row_set_host(struct cert_row *row, const struct acme_store_host *host)
{
    row->trouble = host->trouble;
    row->failures = host->failures;
    row->next_s = host->next_s;
    free(row->problem);
    row->problem = memory_string_or_null(host->problem);
}

static bool add_certificate(const struct acme_store_certificate *certificate, void *context)
{
    cert_row_set_certificate(cert_rows_add(context, bytes_of(certificate->host)), certificate);
    return true;
}

static void add_host(const struct acme_store_host *host, void *context)
{
    cert_row_set_host(cert_rows_add(context, bytes_of(host->name)), host);
}

static void add_order(const struct acme_store_order *order, void *context)
{
    cert_rows_add(context, bytes_of(order->host))->ordering = true;
}

bool cert_rows_read(struct cert_rows *rows, struct acme_store *store, struct error *e)
{
    return acme_store_each_certificate(store, 0, add_certificate, rows, e) &&
           acme_store_each_host(store, add_host, rows, e) &&
           acme_store_each_order(store, add_order, rows, e);
}

void cert_row_clear(struct cert_row *row)
{
    free(row->directory);
    free(row->problem);
    *row = (struct cert_row){0};
}

void cert_rows_clear(struct cert_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        cert_row_clear(&rows->rows[i]);
    }
    free(rows->rows);
    name_map_clear(&rows->names);
    *rows = (struct cert_rows){0};
}

/* As the client decides: at the moment chosen, in an emergency before it, after a failure not
 * before the next try. A moment that was not chosen yet is ahead. */
static bool is_due(const struct cert_row *row, int64_t now_s)
{
    int64_t due_s = renewal_emergency(row->not_before_s, row->not_after_s);
    if (row->revoked) {
        due_s = 0;
    } else if (row->renew_s != 0 && row->renew_s < due_s) {
        due_s = row->renew_s;
    }
    return due_s <= now_s && row->next_s <= now_s;
}

enum acme_state cert_row_state(const struct cert_row *row, int64_t now_s)
{
    if (row->ordering) {
        return ACME_STATE_ORDERING;
    }
    if (row->trouble != ACME_HOST_FINE) {
        return acme_state_of_trouble(row->trouble);
    }
    if (!row->has_certificate || row->not_after_s <= now_s) {
        return ACME_STATE_NEW;
    }
    return is_due(row, now_s) ? ACME_STATE_DUE : ACME_STATE_VALID;
}
