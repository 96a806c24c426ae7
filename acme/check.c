/* From a host that is due to its order: the CA is chosen, the preflight done on the pool. */
#include "acme/preflight.h"
#include "acme_parts.h"
#include "base/clock.h"
#include "base/memory.h"

struct check {
    struct work work;
    struct host *host; /* NULL: abandoned */
    struct ca *ca;
    struct preflight preflight; /* its texts are owned by `host` and the CA, or below */
    char *name;
    char *account_uri;
    char *thumbprint;
    char **issuers;
    bool reaches;
    enum settings_challenge kind;
    struct error error;
};

/* --- Which CA --- */

struct ca *host_choose_ca(const struct host *host, int64_t now_ms)
{
    const struct acme *acme = host->acme;
    /* After so many failures at one, the next has its turn. */
    size_t first = host->trouble == ACME_HOST_FAILS
                       ? host->failures / (size_t)acme->settings->failover_after
                       : 0;
    for (size_t i = 0; i < acme->ca_count; i++) {
        struct ca *ca = acme->cas[(first + i) % acme->ca_count];
        ca_prepare(ca, now_ms);
        if (ca_is_ready(ca, now_ms)) {
            return ca;
        }
        if (now_ms >= ca_held_until_ms(ca) && !ca_is_out(ca)) {
            return NULL; /* it is being prepared, and worth the wait */
        }
    }
    return NULL;
}

/* --- The preflight --- */

static void check_free(struct work *work)
{
    struct check *check = (struct check *)work;
    for (size_t i = 0; i < check->preflight.caa_issuer_count; i++) {
        free(check->issuers[i]);
    }
    free(check->issuers);
    free(check->name);
    free(check->account_uri);
    free(check->thumbprint);
    free(check);
}

static void check_run(struct work *work)
{
    struct check *check = (struct check *)work;
    check->reaches = !atomic_load(&work->acme->abandon) &&
                     preflight_run(&check->preflight, &check->kind, &check->error);
}

static void check_done(struct work *work)
{
    struct check *check = (struct check *)work;
    struct host *host = check->host;
    work->acme->under_way--;
    if (host == NULL) {
        ca_return_order(check->ca);
        return;
    }
    host->check = NULL;
    if (check->reaches) {
        order_begin(host, check->ca, check->kind);
        return;
    }
    const struct host_failure failure = {
        .trouble = ACME_HOST_WAITS,
        .type = "preflight",
        .problem = check->error.text,
        .wait_s = -1,
    };
    ca_return_order(check->ca);
    host_fail(host, &failure);
    host_plan(host);
}

void check_abandon(struct host *host)
{
    if (host->check != NULL) {
        host->check->host = NULL;
        host->check = NULL;
    }
}

/* The configured kinds, beginning with the one whose turn it is. */
static void list_kinds(const struct host *host, struct preflight *preflight)
{
    const struct settings_acme *settings = host->acme->settings;
    for (size_t i = 0; i < settings->challenge_count; i++) {
        size_t at = (host->challenge + i) % settings->challenge_count;
        preflight->kinds[preflight->kind_count++] = settings->challenges[at];
    }
}

/* The configured names, else those that the directory gives (RFC 8555 §7.1.1). */
static void copy_issuers(struct check *check)
{
    const struct settings_list *configured = &ca_settings(check->ca)->caa;
    const struct acme_names *given = &ca_directory(check->ca)->caa_identities;
    char *const *items = configured->count != 0 ? configured->items : given->items;
    size_t count = configured->count != 0 ? configured->count : given->count;
    check->issuers = memory_zero(count, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        check->issuers[i] = memory_string(items[i]);
    }
    check->preflight.caa_issuers = (const char *const *)check->issuers;
    check->preflight.caa_issuer_count = count;
}

static void begin_check(struct host *host, struct ca *ca)
{
    struct acme *acme = host->acme;
    const struct settings_acme *settings = acme->settings;
    struct check *check = memory_zero(1, sizeof(*check));
    check->work = (struct work){.run = check_run, .done = check_done, .free = check_free};
    check->host = host;
    check->ca = ca;
    check->name = memory_string(host->name);
    check->thumbprint = memory_string(ca_thumbprint(acme->cas[0]));
    check->account_uri = memory_string(ca_account_url(ca));
    check->preflight = (struct preflight){
        .host = check->name,
        .resolver = acme->resolver,
        .dns = settings->preflight_dns,
        .http_port = settings->preflight_http_port,
        .token = acme->probe_token,
        .thumbprint = check->thumbprint,
        .account_uri = check->account_uri,
        .abandon = &acme->abandon,
    };
    list_kinds(host, &check->preflight);
    if (settings->preflight_caa) {
        copy_issuers(check);
    }
    host->check = check;
    acme->under_way++;
    acme_work(acme, &check->work);
}

static void begin(struct host *host, struct ca *ca)
{
    const struct settings_acme *settings = host->acme->settings;
    host_unplan(host);
    host->asked = false;
    if (settings->preflight_dns || settings->preflight_caa || settings->preflight_http_port != 0) {
        begin_check(host, ca);
    } else {
        order_begin(host, ca, settings->challenges[host->challenge % settings->challenge_count]);
    }
}

void checks_begin(struct acme *acme)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t wait_s = 0;
    while (!acme->pausing && acme->under_way < (size_t)acme->settings->in_flight) {
        struct schedule_item *item = schedule_first(&acme->ready);
        if (item == NULL) {
            return;
        }
        struct host *host = (struct host *)((char *)item - offsetof(struct host, item));
        struct ca *ca = host_choose_ca(host, now_ms);
        if (ca == NULL || !ca_take_order(ca, clock_wall_s(), &wait_s)) {
            return; /* the loop looks again */
        }
        begin(host, ca);
    }
}
