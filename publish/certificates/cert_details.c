#include "cert_details.h"

static bool is_missing(const struct error *e)
{
    return e->code == ERROR_NOT_FOUND;
}

static bool read_certificate(struct acme_store *store, struct cert_details *details,
                             struct error *e)
{
    if (!acme_store_find_certificate(store, details->host, &details->certificate, e)) {
        return is_missing(e);
    }
    cert_row_set_certificate(&details->row, &details->certificate);
    struct error ignored;
    bool read = leaf_words_read(bytes_of(details->certificate.chain), &details->leaf, &ignored);
    (void)read; /* what is not there is not shown */
    return true;
}

static bool read_host(struct acme_store *store, struct cert_details *details, struct error *e)
{
    struct acme_store_host host;
    if (!acme_store_find_host(store, details->host, &host, e)) {
        return is_missing(e);
    }
    cert_row_set_host(&details->row, &host);
    acme_store_host_clear(&host);
    return true;
}

static void take_order(const struct acme_store_order *order, void *context)
{
    struct cert_details *details = context;
    if (strcmp(order->host, details->host) == 0) {
        details->row.ordering = true;
        details->order = (struct acme_store_order){
            .directory = memory_string(order->directory),
            .url = memory_string_or_null(order->url),
            .begun_s = order->begun_s,
        };
    }
}

bool cert_details_read(struct acme_store *store, const char *host, struct cert_details *ret_details,
                       struct error *e)
{
    struct cert_details details = {.host = memory_string(host)};
    if (!read_certificate(store, &details, e) || !read_host(store, &details, e) ||
        !acme_store_each_order(store, take_order, &details, e)) {
        cert_details_clear(&details);
        return false;
    }
    *ret_details = details;
    return true;
}

void cert_details_clear(struct cert_details *details)
{
    cert_row_clear(&details->row);
    acme_store_certificate_clear(&details->certificate);
    leaf_words_clear(&details->leaf);
    acme_store_order_clear(&details->order);
    free(details->host);
    *details = (struct cert_details){0};
}

bool cert_details_known(const struct cert_details *details)
{
    const struct cert_row *row = &details->row;
    return row->has_certificate || row->ordering || row->trouble != ACME_HOST_FINE ||
           row->problem != NULL;
}
