/* From a host that is due to its order: the CA is chosen, the preflight done on the pool, for one
 * kind of challenge after the other until one would work. */
#include <stdlib.h>

#include "acme/alpn_certificate.h"
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
    char *key_authorization; /* of the probe */
    char **issuers;
    size_t tried; /* kinds before this one */
    bool reaches;
    struct error error;
    struct error first_error; /* of the kind that is preferred */
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
    certificate_pair_unref(check->preflight.pair);
    free(check->key_authorization);
    free(check->name);
    free(check->account_uri);
    free(check->thumbprint);
    free(check);
}

static void check_run(struct work *work)
{
    struct check *check = (struct check *)work;
    check->reaches =
        !atomic_load(&work->acme->abandon) && preflight_run(&check->preflight, &check->error);
}

static void try_kind(struct check *check);

enum { DNS_AGAIN_S = 300 };

static void let_wait(struct host *host, const struct check *check)
{
    const struct host_failure failure = {
        .trouble = ACME_HOST_WAITS,
        .type = "preflight",
        .problem = check->first_error.text,
        /* No answer from the DNS says nothing of the tenant: soon again. */
        .wait_s = check->first_error.code == ERROR_RETRY
                      ? DNS_AGAIN_S + (int64_t)arc4random_uniform(DNS_AGAIN_S)
                      : -1,
    };
    host_fail(host, &failure);
    host_plan(host);
}

static void take_down(const struct check *check)
{
    if (check->preflight.pair != NULL) {
        challenge_board_withdraw(check->work.acme->options.board, check->name);
    }
}

static void check_done(struct work *work)
{
    struct check *check = (struct check *)work;
    struct host *host = check->host;
    take_down(check);
    if (check->tried++ == 0) {
        check->first_error = check->error;
    }
    bool may_go_on = host != NULL && check->tried < work->acme->settings->challenge_count;
    if (!check->reaches && may_go_on) {
        try_kind(check);
        return;
    }
    work->acme->under_way--;
    if (host != NULL) {
        host->check = NULL;
    }
    if (host != NULL && check->reaches) {
        order_begin(host, check->ca, check->preflight.kind);
    } else {
        ca_return_order(check->ca);
    }
    if (host != NULL && !check->reaches) {
        let_wait(host, check);
    }
    check_free(work);
}

void check_abandon(struct host *host)
{
    if (host->check != NULL) {
        host->check->host = NULL;
        host->check = NULL;
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

/* The certificate that a look by tls-alpn-01 is to find. Where it cannot be made, nothing is found:
 * the look fails. */
static void put_up(struct check *check)
{
    struct preflight *preflight = &check->preflight;
    struct error ignored;
    certificate_pair_unref(TAKE(preflight->pair));
    if (preflight->kind == CHALLENGE_TLS_ALPN_01 && preflight->https_port != 0 &&
        alpn_certificate_make(check->name, bytes_of(check->key_authorization), clock_wall_s(),
                              &preflight->pair, &ignored)) {
        challenge_board_post(check->host->acme->options.board, check->name, check->thumbprint,
                             preflight->pair);
    }
}

/* The configured kinds in turn, beginning with the host's. */
static enum settings_challenge kind_of(const struct host *host, size_t tried)
{
    const struct settings_acme *settings = host->acme->settings;
    return settings->challenges[(host->challenge + tried) % settings->challenge_count];
}

static void try_kind(struct check *check)
{
    struct acme *acme = check->host->acme;
    check->reaches = false;
    check->preflight.kind = kind_of(check->host, check->tried);
    put_up(check);
    acme_work(acme, &check->work);
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
    check->key_authorization = memory_printf("%s.%s", acme->probe_token, check->thumbprint);
    check->preflight = (struct preflight){
        .host = check->name,
        .resolver = acme->resolver,
        .dns = settings->preflight_dns,
        .http_port = (int)settings->preflight_http_port,
        .https_port = (int)settings->preflight_https_port,
        .token = acme->probe_token,
        .thumbprint = check->thumbprint,
        .account_uri = check->account_uri,
        .abandon = &acme->abandon,
    };
    if (settings->preflight_caa) {
        copy_issuers(check);
    }
    host->check = check;
    acme->under_way++;
    try_kind(check);
}

static bool has_preflight(const struct settings_acme *settings)
{
    return settings->preflight_dns || settings->preflight_caa ||
           settings->preflight_http_port != 0 || settings->preflight_https_port != 0;
}

static void begin(struct host *host, struct ca *ca)
{
    host_unplan(host);
    host->asked = false;
    if (has_preflight(host->acme->settings)) {
        begin_check(host, ca);
    } else {
        order_begin(host, ca, kind_of(host, 0));
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
