/* Starts the follower of providers' policies when there is one to follow, and passes between it and
 * the loader. */
#include "server/server_state.h"

static void install(const char *domain, struct policy *policy, void *context)
{
    const struct server *server = context;
    loader_put_mirror(server->loader, domain, policy);
}

struct news {
    struct server *server;
    char **domains;
    size_t count;
};

static bool start(struct server *server)
{
    struct error e;
    const struct mirror_options options = {
        .settings = server->settings,
        .log = server->log,
        .install = install,
        .context = server,
    };
    if (!mirror_start(&options, &server->mirror, &e)) {
        log_event(server->log, LOG_LEVEL_ERROR, "mirror.stopped", LOG_TEXT("problem", e.text),
                  LOG_TEXT("advice", "mirrored policies stay as they are; restart"));
        return false;
    }
    if (server->reloaded != NULL) { /* reloaded before there was one to follow */
        mirror_set_pace(server->mirror, &server->reloaded->mirror);
    }
    return true;
}

/* On the main thread. */
static void on_mirrors_changed(void *message)
{
    struct news *news = message;
    struct server *server = news->server;
    bool wanted = news->count != 0 || server->mirror != NULL;
    if (wanted && server->phase != SERVER_STOPPING && (server->mirror != NULL || start(server))) {
        mirror_follow(server->mirror, (const char *const *)news->domains, news->count);
    }
    for (size_t i = 0; i < news->count; i++) {
        free(news->domains[i]);
    }
    free(news->domains);
    free(news);
}

void mirror_link_changed(const struct policy_set_mirrors *mirrors, void *context)
{
    struct server *server = context;
    struct news *news = memory_zero(1, sizeof(*news));
    news->server = server;
    news->domains = memory_zero(mirrors->count, sizeof(char *));
    news->count = mirrors->count;
    for (size_t i = 0; i < mirrors->count; i++) {
        news->domains[i] = memory_string(mirrors->domains[i]);
    }
    mailbox_post(server->mailbox, on_mirrors_changed, news);
}

void mirror_link_reload(struct server *server, const struct settings *settings)
{
    if (server->mirror != NULL) {
        mirror_set_pace(server->mirror, &settings->mirror);
    }
}

void mirror_link_stop(struct server *server)
{
    mirror_stop(TAKE(server->mirror));
}
