/* From a host that is due to its order: the CA is chosen, the host looked at for one kind of
 * challenge after the other until one would work, and its order placed when it is its turn.
 *
 * Looks are many at once, and take nothing of what orders take: neither a place of those under way
 * nor one of the CA's new orders. So whoever's looks take long, holds up no order. */
#include <stdlib.h>
#include <sys/resource.h>

#include "acme/preflight.h"
#include "acme/protocol/alpn_certificate.h"
#include "acme_parts.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

struct check {
    struct host *host;
    struct ca *ca;
    struct preflight *look; /* under way; NULL: it waits for its order's turn */
    enum settings_challenge kind;
    struct certificate_pair *pair; /* on the board */
    char *account_uri;
    char *thumbprint;
    char *key_authorization; /* of the probe */
    char **issuers;
    size_t issuer_count;
    size_t tried;             /* kinds before this one */
    bool used_up;             /* a look of its had to be ended */
    bool no_turn;             /* … before it had begun */
    int64_t turn;             /* its urgency */
    int64_t found_ms;         /* when a look was good */
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

/* --- Life --- */

static void take_down(struct check *check)
{
    if (check->pair != NULL) {
        challenge_board_withdraw(check->host->acme->options.board, check->host->name);
        certificate_pair_unref(TAKE(check->pair));
    }
}

/* The host is free for what comes next. */
static void check_end(struct check *check)
{
    preflight_drop(check->look);
    take_down(check);
    host_unplan(check->host);
    check->host->check = NULL;
    for (size_t i = 0; i < check->issuer_count; i++) {
        free(check->issuers[i]);
    }
    free(check->issuers);
    free(check->key_authorization);
    free(check->account_uri);
    free(check->thumbprint);
    free(check);
}

void check_abandon(struct host *host)
{
    if (host->check != NULL) {
        check_end(host->check);
    }
}

/* The configured names, else those that the directory gives (RFC 8555 §7.1.1). */
static void copy_issuers(struct check *check)
{
    const struct settings_list *configured = &ca_settings(check->ca)->caa;
    const struct acme_names *given = &ca_directory(check->ca)->caa_identities;
    char *const *items = configured->count != 0 ? configured->items : given->items;
    check->issuer_count = configured->count != 0 ? configured->count : given->count;
    check->issuers = memory_zero(check->issuer_count, sizeof(char *));
    for (size_t i = 0; i < check->issuer_count; i++) {
        check->issuers[i] = memory_string(items[i]);
    }
}

static struct check *check_new(struct host *host, struct ca *ca)
{
    const struct acme *acme = host->acme;
    struct check *check = memory_zero(1, sizeof(*check));
    check->host = host;
    check->ca = ca;
    check->turn = host->item.due_ms;
    check->thumbprint = memory_string(ca_thumbprint(acme->cas[0]));
    check->account_uri = memory_string(ca_account_url(ca));
    check->key_authorization = memory_printf("%s.%s", acme->probe_token, check->thumbprint);
    if (acme->settings->preflight_caa) {
        copy_issuers(check);
    }
    host->check = check;
    return check;
}

/* --- Looks --- */

static void let_wait(struct check *check)
{
    enum { TURN_AGAIN_S = 15 };
    struct host *host = check->host;
    const struct error error = check->first_error;
    const struct host_failure failure = {
        .trouble = ACME_HOST_WAITS,
        .type = "preflight",
        .problem = error.text,
        .wait_s = check->no_turn ? TURN_AGAIN_S + (int64_t)arc4random_uniform(TURN_AGAIN_S) : -1,
    };
    check_end(check);
    host_fail(host, &failure);
    host_plan(host);
}

static void put_into_found(struct check *check)
{
    struct acme *acme = check->host->acme;
    check->found_ms = clock_monotonic_ms();
    check->host->queue = &acme->found;
    schedule_put(&acme->found, &check->host->item, check->turn);
}

void check_note_asked(struct host *host)
{
    enum { FIRST_OF_ALL = 0 }; /* host.c's urgency of who was asked for */
    if (host->check == NULL || host_is_behind(host)) {
        return;
    }
    host->check->turn = FIRST_OF_ALL;
    if (host->queue == &host->acme->found) {
        schedule_put(&host->acme->found, &host->item, FIRST_OF_ALL);
    }
}

static void try_kind(struct check *check);

static void on_looked(const struct preflight_verdict *verdict, void *context)
{
    struct check *check = context;
    struct host *host = check->host;
    check->look = NULL;
    take_down(check);
    check->used_up = check->used_up || verdict->late;
    check->no_turn = check->no_turn || verdict->no_turn;
    host->used_up = check->used_up;
    host->slow_names = verdict->slow_names;
    if (check->tried++ == 0) {
        check->first_error = verdict->error;
    }
    if (verdict->reaches) {
        put_into_found(check);
    } else if (!verdict->no_turn && check->tried < host->acme->settings->challenge_count) {
        try_kind(check);
    } else {
        let_wait(check);
    }
}

/* The certificate that a look by tls-alpn-01 is to find. Where it cannot be made, nothing is found:
 * the look fails. */
static void put_up(struct check *check)
{
    const struct acme *acme = check->host->acme;
    const char *name = check->host->name;
    struct error ignored;
    if (check->kind == CHALLENGE_TLS_ALPN_01 && acme->settings->preflight_https_port != 0 &&
        alpn_certificate_make(name, bytes_of(check->key_authorization), clock_wall_s(),
                              &check->pair, &ignored)) {
        challenge_board_post(acme->options.board, name, check->thumbprint, check->pair);
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
    struct host *host = check->host;
    struct acme *acme = host->acme;
    check->kind = kind_of(host, check->tried);
    put_up(check);
    const struct preflight_request request = {
        .host = host->name,
        .kind = check->kind,
        .token = acme->probe_token,
        .thumbprint = check->thumbprint,
        .pair = check->pair,
        .caa_issuers = (const char *const *)check->issuers,
        .caa_issuer_count = check->issuer_count,
        .account_uri = check->account_uri,
        .slow_names = host->slow_names,
        .slow = host_is_behind(host),
    };
    check->look = preflight_new(acme, &request, on_looked, check);
    preflight_start(check->look);
}

/* --- Turns --- */

size_t checks_count_places(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 >= LOOKS_MAX) {
        return LOOKS_MAX;
    }
    return limit.rlim_cur / 4 > LOOKS_MIN ? (size_t)limit.rlim_cur / 4 : LOOKS_MIN;
}

/* While the CA takes no new orders, looks would be old before they are of use. */
static bool takes_orders(const struct ca *ca)
{
    return ca_is_ready(ca, clock_monotonic_ms()) && ca_orders_left(ca, clock_wall_s()) >= 1;
}

static bool has_place(const struct host *host)
{
    const struct acme *acme = host->acme;
    return acme->looks.count + acme->found.count < acme->looks_max &&
           !(host_is_behind(host) && preflights_are_slow(acme));
}

static bool any_takes_orders(const struct acme *acme)
{
    size_t i = 0;
    while (i < acme->ca_count && !takes_orders(acme->cas[i])) {
        i++;
    }
    return i < acme->ca_count;
}

/* HOST's CA takes no order now: where another does, the hosts of that one must not wait behind it.
 * False: none does. */
static bool let_others_go_first(struct host *host)
{
    enum { CA_AGAIN_MS = 20000 };
    if (!any_takes_orders(host->acme)) {
        return false;
    }
    check_abandon(host);
    host_plan_after(host, CA_AGAIN_MS);
    return true;
}

static bool begin_look(struct acme *acme)
{
    struct schedule_item *item = schedule_first(&acme->ready);
    if (item == NULL) {
        return false;
    }
    struct host *host = host_of_item(item);
    struct ca *ca = host_choose_ca(host, clock_monotonic_ms());
    if (!has_place(host)) {
        return false; /* the loop looks again; who is behind is the last in `ready` */
    }
    if (ca == NULL || !takes_orders(ca)) {
        return let_others_go_first(host);
    }
    struct check *check = check_new(host, ca);
    host_unplan(host);
    host->asked = false;
    try_kind(check);
    return true;
}

/* The look is too old, or was for another CA's CAA. */
static void look_again(struct check *check)
{
    struct host *host = check->host;
    check_end(check);
    host_plan(host);
}

static void place_order(struct check *check)
{
    struct host *host = check->host;
    struct ca *ca = check->ca;
    enum settings_challenge kind = check->kind;
    check_end(check);
    order_begin(host, ca, kind);
}

static bool begin_order(struct acme *acme)
{
    const struct schedule_item *item = schedule_first(&acme->found);
    int64_t now_ms = clock_monotonic_ms();
    int64_t wait_s = 0;
    if (item == NULL || acme->under_way >= (size_t)acme->settings->in_flight) {
        return false;
    }
    struct check *check = host_of_item(item)->check;
    struct ca *ca =
        ca_is_ready(check->ca, now_ms) ? check->ca : host_choose_ca(check->host, now_ms);
    if (ca == NULL) {
        return let_others_go_first(check->host);
    }
    if (ca != check->ca || now_ms - check->found_ms > FOUND_MAX_MS) {
        look_again(check);
        return true;
    }
    if (!ca_take_order(ca, clock_wall_s(), &wait_s)) {
        return let_others_go_first(check->host);
    }
    place_order(check);
    return true;
}

static void begin_all(struct acme *acme, bool (*begin)(struct acme *acme))
{
    while (!acme->pausing && begin(acme)) {
    }
}

void checks_begin(struct acme *acme)
{
    begin_all(acme, begin_order);
    begin_all(acme, begin_look);
    begin_all(acme, begin_order); /* of those that had nothing to be looked at */
}
