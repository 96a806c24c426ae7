#include "cert_listing.h"

#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

static bool read_store(const struct settings *settings, struct cert_listing *listing,
                       struct error *e)
{
    CLEANUP_STORE struct acme_store *store = NULL;
    if (state_store_open(settings, &store, e)) {
        return cert_rows_read(&listing->rows, store, e);
    }
    listing->no_store = e->code == ERROR_NOT_FOUND ? memory_string(e->text) : NULL;
    return listing->no_store != NULL;
}

static bool add_wanted(const struct catalogue_view *view, void *context)
{
    struct cert_listing *listing = context;
    struct dns_name host;
    sts_host_of(view->entry->name, &host);
    (void)cert_rows_add(&listing->rows, dns_name_bytes(&host));
    return true;
}

bool cert_listing_make(const struct settings *settings, const struct catalogue *catalogue,
                       int64_t now_s, struct cert_listing *ret_listing, struct error *e)
{
    struct cert_listing listing = {.now_s = now_s,
                                   .covered = {.settings = settings, .now_s = now_s}};
    if (!read_store(settings, &listing, e)) {
        cert_listing_clear(&listing);
        return false;
    }
    if (settings->acme != NULL) {
        catalogue_each(catalogue, add_wanted, &listing);
    }
    name_map_sort(&listing.rows.names);
    *ret_listing = listing;
    return true;
}

void cert_listing_clear(struct cert_listing *listing)
{
    covered_names_clear(&listing->covered);
    cert_rows_clear(&listing->rows);
    free(listing->no_store);
}

enum acme_state cert_listing_state(struct cert_listing *listing, const struct name_map_item *host)
{
    enum acme_state state = cert_row_state(&listing->rows.rows[host->value], listing->now_s);
    return state == ACME_STATE_NEW && covered_names_have(&listing->covered, bytes_of(host->name))
               ? ACME_STATE_COVERED
               : state;
}
