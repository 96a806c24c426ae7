/* cert show: everything that the store has of a name. */
#include <stdio.h>

#include "cli/cert_view.h"
#include "cli/control_reply.h"
#include "cli/json_view.h"
#include "cli/opening.h"
#include "lib/base/clock.h"
#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

struct showing {
    const struct settings *settings;
    struct acme_store *store;
    json_t *hosts; /* NULL: lines for people */
    bool pem;
    int64_t now_s;
};

static int show_details(const struct showing *showing, const struct cert_details *details)
{
    if (!cert_details_known(details) || (showing->pem && !details->row.has_certificate)) {
        fprintf(stderr, "mtasts-host: %s: %s\n", details->host,
                showing->pem ? "there is no certificate of ours"
                             : "there is no certificate of ours, no order and no failure");
        return COMMAND_NO;
    }
    if (showing->pem) {
        fputs(details->certificate.chain, stdout);
    } else if (showing->hosts != NULL) {
        json_array_append_new(showing->hosts, cert_details_json(details, showing->now_s));
    } else {
        cert_details_print(details, showing->settings, showing->now_s, stdout);
    }
    return COMMAND_DONE;
}

static int show(const struct showing *showing, const char *argument)
{
    struct error e;
    struct dns_name host;
    struct cert_details details;
    if (!sts_host_parse(argument, &host, &e) ||
        !cert_details_read(showing->store, host.text, &details, &e)) {
        return fail(&e);
    }
    int code = show_details(showing, &details);
    cert_details_clear(&details);
    return code;
}

static int show_all(const struct invocation *invocation, const struct settings *settings,
                    struct acme_store *store)
{
    struct showing showing = {
        .settings = settings,
        .store = store,
        .hosts = invocation_has(invocation, "json") ? json_array() : NULL,
        .pem = invocation_has(invocation, "pem"),
        .now_s = clock_wall_s(),
    };
    int code = COMMAND_DONE;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        code = command_worse(code, show(&showing, invocation->arguments[i]));
    }
    if (showing.hosts != NULL) {
        json_view_print_list("hosts", showing.hosts);
    }
    return code;
}

int cmd_cert_show(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    struct error e;
    CLEANUP_STORE struct acme_store *store = NULL;
    if (!state_store_open(settings, &store, &e)) {
        return fail(&e);
    }
    return show_all(invocation, settings, store);
}
