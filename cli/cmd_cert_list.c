/* cert list: every name that has a certificate by ACME or wants one, from the store and the policy
 * files. */
#include <stdio.h>

#include "cli/ca_name.h"
#include "cli/cert_rows.h"
#include "cli/control_reply.h"
#include "cli/covered_names.h"
#include "cli/state_store.h"
#include "cli/sts_host.h"
#include "cli/time_text.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"

enum { DAY_S = 86400 };

struct listing {
    const struct settings *settings;
    struct cert_rows rows;
    struct covered_names covered;
    int64_t now_s;
};

static bool read_store(struct listing *listing)
{
    struct error e;
    CLEANUP_STORE struct acme_store *store = NULL;
    if (state_store_open(listing->settings, &store, &e)) {
        if (cert_rows_read(&listing->rows, store, &e)) {
            return true;
        }
    } else if (e.code == ERROR_NOT_FOUND) { /* an answer, too: every name is new */
        fprintf(stderr, "%s\n", e.text);
        return true;
    }
    fprintf(stderr, "mtasts-host: %s\n", e.text);
    return false;
}

static bool add_wanted(const struct catalogue_view *view, void *context)
{
    struct listing *listing = context;
    struct dns_name host;
    sts_host_of(view->entry->name, &host);
    (void)cert_rows_add(&listing->rows, dns_name_bytes(&host));
    return true;
}

static enum acme_state state_of(struct listing *listing, const char *host,
                                const struct cert_row *row)
{
    enum acme_state state = cert_row_state(row, listing->now_s);
    return state == ACME_STATE_NEW && covered_names_have(&listing->covered, bytes_of(host))
               ? ACME_STATE_COVERED
               : state;
}

static void print_line(struct listing *listing, const char *host, const struct cert_row *row)
{
    char expires[64] = "-";
    const char *ca = "-";
    if (row->has_certificate) {
        int64_t left_s = row->not_after_s - listing->now_s;
        (void)snprintf(expires, sizeof(expires), left_s > 0 ? "%s (%lld d left)" : "%s (expired)",
                       time_text_day(row->not_after_s).text, (long long)(left_s / DAY_S));
        ca = row->directory != NULL ? ca_name(listing->settings, row->directory) : "imported";
    }
    printf("%-40s %-9s %-24s %s%s%s%s\n", host, acme_state_name(state_of(listing, host, row)),
           expires, SAFE_TEXT(ca), row->revoked ? "  revoked" : "",
           row->problem != NULL ? "  " : "", SAFE_TEXT(row->problem));
}

static void print(struct listing *listing, bool json)
{
    json_t *hosts = json ? json_array() : NULL;
    name_map_sort(&listing->rows.names);
    for (size_t i = 0; i < listing->rows.count; i++) {
        const struct name_map_item *item = &listing->rows.names.items[i];
        const struct cert_row *row = &listing->rows.rows[item->value];
        if (json) {
            json_array_append_new(
                hosts, cert_row_json(item->name, row, state_of(listing, item->name, row)));
        } else {
            print_line(listing, item->name, row);
        }
    }
    if (json) {
        json_t *document = json_pack("{s:o}", "hosts", hosts);
        control_reply_print_json(document);
        json_decref(document);
    }
}

int cmd_cert_list(const struct invocation *invocation)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    struct listing listing = {
        .settings = workspace.settings,
        .now_s = clock_wall_s(),
        .covered = {.settings = workspace.settings, .now_s = clock_wall_s()},
    };
    bool ok = read_store(&listing);
    if (ok) {
        if (workspace.settings->acme != NULL) {
            catalogue_each(workspace.catalogue, add_wanted, &listing);
        }
        print(&listing, invocation_has(invocation, "json"));
    }
    covered_names_clear(&listing.covered);
    cert_rows_clear(&listing.rows);
    return ok ? workspace_exit(&workspace) : COMMAND_FAILED;
}
