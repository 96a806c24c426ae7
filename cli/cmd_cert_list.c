/* cert list: every name that has a certificate by ACME or wants one. */
#include <stdio.h>

#include "cli/cert_view.h"
#include "cli/json_view.h"
#include "cli/opening.h"
#include "lib/base/clock.h"
#include "publish/certificates/cert_listing.h"

static void print(const struct settings *settings, struct cert_listing *listing, bool json)
{
    json_t *hosts = json_array();
    for (size_t i = 0; i < listing->rows.count; i++) {
        const struct name_map_item *host = &listing->rows.names.items[i];
        const struct cert_row *row = &listing->rows.rows[host->value];
        enum acme_state state = cert_listing_state(listing, host);
        if (json) {
            json_array_append_new(hosts, cert_row_json(host->name, row, state));
        } else {
            cert_row_print(host->name, row, state, settings, listing->now_s);
        }
    }
    if (json) {
        json_view_print_list("hosts", TAKE(hosts));
    }
    json_decref(hosts);
}

int cmd_cert_list(const struct invocation *invocation)
{
    struct error e;
    struct cert_listing listing;
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!open_workspace(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    if (!cert_listing_make(workspace.settings, workspace.catalogue, clock_wall_s(), &listing, &e)) {
        return fail(&e);
    }
    if (listing.no_store != NULL) {
        fprintf(stderr, "%s\n", listing.no_store);
    }
    print(workspace.settings, &listing, invocation_has(invocation, "json"));
    cert_listing_clear(&listing);
    return workspace_exit(&workspace);
}
