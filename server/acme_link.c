/* Starts and stops the ACME client, and tells it what the other threads have for it. */
#include "server/server_state.h"

static void install(struct certificate_pair *new, struct certificate_pair *old, void *context)
{
    const struct server *server = context;
    loader_swap_certificate(server->loader, new, old);
}

/* On the main thread, in its loop: the client has started. It may hear of changes that it found in
 * the index already. */
static void tell_domain(struct bytes domain, bool gone, void *context)
{
    const struct server *server = context;
    if (server->acme != NULL) { /* else we stop before it could start */
        acme_domain_changed(server->acme, domain, gone);
    }
}

void acme_link_name_asked(struct bytes host, void *context)
{
    const struct server *server = context;
    struct acme *acme = atomic_load(&server->acme);
    if (acme != NULL) {
        acme_name_asked(acme, host);
    }
}

void acme_link_reload(const struct server *server)
{
    struct acme *acme = atomic_load(&server->acme);
    if (acme != NULL) {
        acme_look_again(acme);
    }
}

void acme_link_prepare(struct server *server)
{
    if (server->settings->acme != NULL) {
        server->board = challenge_board_new();
        server->news = domain_news_new(server->mailbox, tell_domain, server);
    }
}

bool acme_link_start(struct server *server, void (*loaded)(void *context), struct error *e)
{
    struct acme *acme = NULL;
    const struct acme_options options = {
        .settings = server->settings,
        .log = server->log,
        .policies = server->tables.policies,
        .certificates = server->tables.certificates,
        .board = server->board,
        .install = install,
        .loaded = loaded,
        .context = server,
    };
    if (!acme_start(&options, &acme, e)) {
        return false;
    }
    atomic_store(&server->acme, acme);
    return true;
}

void acme_link_stop(struct server *server)
{
    acme_stop(atomic_exchange(&server->acme, NULL));
}

void acme_link_clear(struct server *server)
{
    domain_news_free(TAKE(server->news));
    challenge_board_free(TAKE(server->board));
}
