/* A session: from the opening of the store until it fails. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "acme/client.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"

bool acme_leads(const struct acme *acme)
{
    return acme->session.store != NULL && acme->session.lock >= 0;
}

void acme_clear_problem(struct acme *acme)
{
    free(TAKE(acme->session.problem));
}

void acme_store_failed(struct acme *acme, const struct error *e)
{
    if (acme->session.problem == NULL) {
        acme->session.problem = memory_string(e->text);
        log_event(acme->log, LOG_LEVEL_ERROR, "acme.store.failed",
                  LOG_TEXT("problem", acme->session.problem));
    }
}

/* For struct ca_options. */
static void on_store_failed(const struct error *e, void *context)
{
    acme_store_failed(context, e);
}

/* True also where another process holds it; look at `lock`. */
bool session_try_lock(struct acme *acme, struct error *e)
{
    if (acme->session.lock >= 0) {
        return true;
    }
    CLEANUP_FREE char *path = file_path_join(acme->options.settings->state, "acme.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        return error_system(e, "cannot open %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        acme->session.lock = fd;
        return true;
    }
    bool is_held = errno == EWOULDBLOCK || error_system(e, "cannot lock %s", path);
    file_close(&fd);
    return is_held;
}

static bool make_cas(struct acme *acme, struct error *e)
{
    const struct settings_acme *settings = acme->settings;
    const struct ca_options options = {
        .settings = settings,
        .store = acme->session.store,
        .transport = acme->transport,
        .log = acme->log,
        .store_failed = on_store_failed,
        .context = acme,
    };
    acme->cas.items = memory_zero(settings->directory_count, sizeof(struct ca *));
    for (size_t i = 0; i < settings->directory_count; i++) {
        if (!ca_new(&options, &settings->directories[i], &acme->cas.items[i], e)) {
            return false;
        }
        acme->cas.count++;
    }
    return true;
}

struct ca *session_find_ca(const struct acme *acme, const char *directory)
{
    for (size_t i = 0; directory != NULL && i < acme->cas.count; i++) {
        if (strcmp(ca_settings(acme->cas.items[i])->url, directory) == 0) {
            return acme->cas.items[i];
        }
    }
    return NULL;
}

static char *make_agent(const struct settings_acme *settings)
{
    const char *contact = settings->contacts.count != 0 ? settings->contacts.items[0] : "";
    return memory_printf("mtasts-host/" MTASTS_VERSION "%s%s%s", contact[0] != '\0' ? " (" : "",
                         contact, contact[0] != '\0' ? ")" : "");
}

static bool open_store(struct acme *acme, struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(acme->options.settings->state, "acme.db");
    CLEANUP_FREE char *agent = make_agent(acme->settings);
    return acme_store_open(path, &acme->session.store, e) &&
           transport_new(agent, &acme->transport, e) &&
           transfer_group_new(0, &acme->looks.group, e);
}

static bool load(struct acme *acme, struct error *e)
{
    if (!acme_leads(acme)) {
        return follow_store(acme, e);
    }
    return acme_store_begin(acme->session.store, e) && make_cas(acme, e) && follow_store(acme, e) &&
           hosts_load(acme, e) && acme_store_commit(acme->session.store, e);
}

static bool forget_work(struct host *host, void *context)
{
    (void)context;
    host_tell(host, HOST_EVENT_REST);
    host->issuer = NULL;
    return true;
}

void session_end(struct acme *acme)
{
    transport_free(TAKE(acme->transport));
    acme_do_deeds(acme); /* what was issued is good, durable or not */
    works_orphan(acme);
    hosts_each(acme, forget_work, NULL);
    transfer_group_free(TAKE(acme->looks.group));
    orders_drop(acme);
    for (size_t i = 0; i < acme->cas.count; i++) {
        ca_free(acme->cas.items[i]);
    }
    free(TAKE(acme->cas.items));
    acme->cas.count = 0;
    requests_drop(acme);
    acme_store_close(TAKE(acme->session.store));
    acme->orders.under_way = 0;
    acme->hosts.ari_questions = 0;
    acme->followed.certificate_id = 0;
    acme->followed.version = -1;
}

void session_begin(struct acme *acme)
{
    struct error e;
    acme_clear_problem(acme);
    acme->session.tried_ms = clock_monotonic_ms();
    if (!session_try_lock(acme, &e) || !open_store(acme, &e) || !load(acme, &e)) {
        acme_store_failed(acme, &e);
        if (acme->session.store != NULL) { /* what can be read is served all the same */
            struct error ignored;
            bool followed = follow_store(acme, &ignored);
            (void)followed;
        }
        session_end(acme);
        return;
    }
    bool leads = acme_leads(acme);
    if (leads) {
        acme_show_thumbprint(acme, ca_thumbprint(acme->cas.items[0]));
    }
    acme_do_deeds(acme);
    log_event(acme->log, LOG_LEVEL_INFO, leads ? "acme.orders" : "acme.follows",
              LOG_NUMBER("orders_taken_up", acme->orders.under_way));
}
