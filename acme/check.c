/* From a host that is due to its order: the CA is chosen, the host looked at for one kind of
 * challenge after the other until one would work, and its order placed when it is its turn
 * (acme/machine/turn_rule.h). */
#include <stdlib.h>
#include <sys/resource.h>

#include "acme/client.h"
#include "acme/machine/turn_rule.h"
#include "acme/preflight.h"
#include "acme/protocol/alpn_certificate.h"
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
    bool slow_names;          /* its name servers were slow */
    int64_t found_ms;         /* when a look was good */
    struct error first_error; /* of the kind that is preferred */
};

/* --- Which CA --- */

/* After so many failures at one, the next has its turn. */
struct ca *host_choose_ca(const struct host *host, int64_t now_ms)
{
    const struct acme *acme = host->acme;
    size_t failures = host->state.trouble == ACME_HOST_FAILS ? host->state.failures : 0;
    size_t first = failures / (size_t)acme->settings->failover_after;
    enum ca_use use = CA_USE_NEXT;
    struct ca *ca = NULL;
    for (size_t i = 0; i < acme->cas.count && use == CA_USE_NEXT; i++) {
        ca = acme->cas.items[(first + i) % acme->cas.count];
        ca_prepare(ca);
        use = ca_machine_use(ca_state(ca), now_ms);
    }
    return use == CA_USE_IT ? ca : NULL;
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
    check->slow_names = host->state.slow_names;
    check->thumbprint = memory_string(ca_thumbprint(acme->cas.items[0]));
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
    const struct host_event event = {
        .kind = HOST_EVENT_NOT_FOUND,
        .problem = error.text,
        .wait_s = check->no_turn ? TURN_AGAIN_S + (int64_t)arc4random_uniform(TURN_AGAIN_S) : -1,
        .used_up = check->used_up,
        .slow_names = check->slow_names,
    };
    check_end(check);
    host_step(host, &event);
}

static void tell_found(struct check *check)
{
    check->found_ms = clock_monotonic_ms();
    host_step(check->host, &(struct host_event){.kind = HOST_EVENT_FOUND,
                                                .used_up = check->used_up,
                                                .slow_names = check->slow_names});
}

static void try_kind(struct check *check);

static void on_looked(const struct preflight_verdict *verdict, void *context)
{
    struct check *check = context;
    check->look = NULL;
    take_down(check);
    check->used_up = check->used_up || verdict->late;
    check->no_turn = check->no_turn || verdict->no_turn;
    check->slow_names = verdict->slow_names;
    if (check->tried++ == 0) {
        check->first_error = verdict->error;
    }
    if (verdict->reaches) {
        tell_found(check);
    } else if (!verdict->no_turn && check->tried < check->host->acme->settings->challenge_count) {
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
    return settings->challenges[(host->state.challenge + tried) % settings->challenge_count];
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
        .slow_names = check->slow_names,
        .slow = host_machine_is_behind(&host->state),
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
    return ca_machine_is_ready(ca_state(ca), clock_monotonic_ms()) &&
           ca_orders_left(ca, clock_wall_s()) >= 1;
}

static bool has_place(const struct host *host)
{
    const struct acme *acme = host->acme;
    return acme->looks.times.count + acme->hosts.found.count < acme->looks.max &&
           !(host_machine_is_behind(&host->state) && preflights_are_slow(acme));
}

static bool any_takes_orders(const struct acme *acme)
{
    size_t i = 0;
    while (i < acme->cas.count && !takes_orders(acme->cas.items[i])) {
        i++;
    }
    return i < acme->cas.count;
}

static void begin_look(struct host *host, struct ca *ca)
{
    struct check *check = check_new(host, ca);
    host_tell(host, HOST_EVENT_LOOK);
    try_kind(check);
}

/* False: the first that waits has to go on waiting; the loop looks again. */
static bool tend_ready(struct acme *acme)
{
    const struct schedule_item *item = schedule_first(&acme->hosts.ready);
    if (item == NULL) {
        return false;
    }
    struct host *host = host_of_item(item);
    struct ca *ca = host_choose_ca(host, clock_monotonic_ms());
    const struct turn_facts facts = {
        .has_place = has_place(host),
        .takes = ca != NULL && takes_orders(ca),
        .other_takes = any_takes_orders(acme),
    };
    enum turn turn = turn_of_look(&facts);
    if (turn == TURN_BEGIN) {
        begin_look(host, ca);
    } else if (turn == TURN_PUT_OFF) {
        host_tell(host, HOST_EVENT_PUT_OFF);
    }
    return turn != TURN_WAIT;
}

static void place_order(struct check *check)
{
    struct host *host = check->host;
    struct ca *ca = check->ca;
    enum settings_challenge kind = check->kind;
    check_end(check);
    order_begin(host, ca, kind);
}

static enum turn turn_of_found(const struct check *check)
{
    const struct acme *acme = check->host->acme;
    int64_t now_ms = clock_monotonic_ms();
    const struct ca *ca = ca_machine_is_ready(ca_state(check->ca), now_ms)
                              ? check->ca
                              : host_choose_ca(check->host, now_ms);
    const struct turn_facts facts = {
        .has_place = acme->orders.under_way < (size_t)acme->settings->in_flight,
        .takes = ca != NULL && takes_orders(ca),
        .other_takes = any_takes_orders(acme),
        .is_other_ca = ca != NULL && ca != check->ca,
        .age_ms = now_ms - check->found_ms,
    };
    return turn_of_order(&facts);
}

static bool tend_found(struct acme *acme)
{
    const struct schedule_item *item = schedule_first(&acme->hosts.found);
    if (item == NULL) {
        return false;
    }
    struct host *host = host_of_item(item);
    enum turn turn = turn_of_found(host->check);
    if (turn == TURN_BEGIN && ca_take_order(host->check->ca, clock_wall_s())) {
        place_order(host->check);
    } else if (turn == TURN_PUT_OFF) {
        host_tell(host, HOST_EVENT_PUT_OFF);
    } else if (turn == TURN_AGAIN) {
        host_tell(host, HOST_EVENT_LOOK_OLD);
    }
    return turn != TURN_WAIT;
}

static void tend_all(struct acme *acme, bool (*tend)(struct acme *acme))
{
    while (!acme->orders.pausing && tend(acme)) {
    }
}

void checks_begin(struct acme *acme)
{
    tend_all(acme, tend_found);
    tend_all(acme, tend_ready);
    tend_all(acme, tend_found); /* of those that had nothing to be looked at */
}
