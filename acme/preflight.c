#include "preflight.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme/look_target.h"
#include "acme/machine/look_plan.h"
#include "acme/name_question.h"
#include "acme/tls_probe.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/fetch/address_rule.h"

struct preflight {
    struct acme *acme;
    /* Of acme.looks: when it is a slow one, then when its time is over, at `until_ms`. */
    struct schedule_item item;
    int64_t until_ms;
    bool is_slow; /* it is one of acme.slow_looks */
    struct preflight_request request;
    preflight_done done;
    void *context;
    struct look_plan plan;
    struct address_rule *rule;                            /* which addresses are asked at all */
    char addresses[LOOK_ADDRESSES_MAX][DNS_ADDRESS_SIZE]; /* of the host */
    /* What is fetched now, and from which address: the plan's, or that of a redirect's host. */
    struct look_target target;
    char address[DNS_ADDRESS_SIZE];
    /* What is waited for: one of these, or neither. */
    struct name_question *question;
    bool asked_slow; /* an answer took long */
    struct transfer *transfer;
    struct tls_probe probe;
    struct preflight_verdict verdict;
};

/* --- Life --- */

static bool asks_by_tls(const struct preflight *preflight)
{
    return preflight->request.kind == CHALLENGE_TLS_ALPN_01;
}

static int port_of(const struct preflight *preflight)
{
    const struct settings_acme *settings = preflight->acme->settings;
    return (int)(asks_by_tls(preflight) ? settings->preflight_https_port
                                        : settings->preflight_http_port);
}

/* dns-01 needs a name, not a host that answers. */
static void plan_of(struct preflight *preflight)
{
    bool needs_host = preflight->request.kind != CHALLENGE_DNS_01;
    preflight->plan = (struct look_plan){
        .dns = needs_host && preflight->acme->settings->preflight_dns,
        .fetches = needs_host && port_of(preflight) != 0,
        .caa = preflight->request.caa_issuer_count != 0,
    };
}

/* Interfaces come and go, so each look has a rule of its own. */
static struct address_rule *make_rule(const struct acme *acme)
{
    const struct settings_networks *networks = &acme->settings->preflight_addresses;
    return address_rule_new(networks->items, networks->count,
                            settings_listen_on_loopback(acme->options.settings));
}

/* It has all of its time. */
static void count_as_slow(struct preflight *preflight)
{
    preflight->is_slow = true;
    preflight->acme->looks.slow++;
    schedule_put(&preflight->acme->looks.times, &preflight->item, preflight->until_ms);
}

struct preflight *preflight_new(struct acme *acme, const struct preflight_request *request,
                                preflight_done done, void *context)
{
    struct preflight *preflight = memory_zero(1, sizeof(*preflight));
    preflight->acme = acme;
    preflight->request = *request;
    preflight->done = done;
    preflight->context = context;
    preflight->verdict.slow_names = request->slow_names;
    preflight->rule = make_rule(acme);
    plan_of(preflight);
    int64_t now_ms = clock_monotonic_ms();
    preflight->until_ms = now_ms + PREFLIGHT_LOOK_MS;
    schedule_put(&acme->looks.times, &preflight->item, now_ms + PREFLIGHT_SLOW_MS);
    if (request->slow) {
        count_as_slow(preflight);
    }
    return preflight;
}

void preflight_drop(struct preflight *preflight)
{
    if (preflight == NULL) {
        return;
    }
    schedule_remove(&preflight->acme->looks.times, &preflight->item);
    preflight->acme->looks.slow -= preflight->is_slow;
    name_question_drop(preflight->question);
    if (preflight->transfer != NULL) {
        transfer_group_drop(preflight->acme->looks.group, preflight->transfer);
    }
    look_target_clear(&preflight->target);
    address_rule_free(preflight->rule);
    free(preflight);
}

/* --- From step to step --- */

static void do_step(struct preflight *preflight);

static void end(struct preflight *preflight)
{
    const struct preflight_verdict verdict = preflight->verdict;
    preflight_done done = preflight->done;
    void *context = preflight->context;
    preflight_drop(preflight);
    done(&verdict, context);
}

static void go_on(struct preflight *preflight, enum look_event event)
{
    look_plan_go_on(&preflight->plan, event);
    do_step(preflight);
}

/* --- Names --- */

static void note_answer(struct preflight *preflight, const struct name_answer *answer)
{
    preflight->question = NULL;
    preflight->verdict.slow_names = preflight->asked_slow || answer->slow;
    preflight->asked_slow = preflight->verdict.slow_names;
    preflight->verdict.late = preflight->verdict.late || answer->late;
    preflight->verdict.error = answer->error;
}

static bool has_addresses(const char *name, const struct dns_address_set *addresses,
                          struct error *e)
{
    return addresses->count != 0 ||
           error_set(e, ERROR_NOT_FOUND,
                     "%s has no address; point it here, by a CNAME or by A and AAAA records", name);
}

static size_t count_ipv4(const struct dns_address_set *addresses)
{
    size_t count = 0;
    while (count < addresses->count && strchr(addresses->items[count], ':') == NULL) {
        count++;
    }
    return count;
}

static void on_addresses(const struct name_answer *answer, void *context)
{
    struct preflight *preflight = context;
    const struct dns_address_set *addresses = &answer->addresses;
    size_t picks[LOOK_ADDRESSES_MAX];
    note_answer(preflight, answer);
    if (!answer->good ||
        !has_addresses(preflight->request.host, addresses, &preflight->verdict.error)) {
        go_on(preflight, LOOK_BAD);
        return;
    }
    preflight->plan.address_count = look_plan_pick(count_ipv4(addresses), addresses->count, picks);
    for (size_t i = 0; i < preflight->plan.address_count; i++) {
        memcpy(preflight->addresses[i], addresses->items[picks[i]], DNS_ADDRESS_SIZE);
    }
    go_on(preflight, LOOK_GOOD);
}

static void ask_addresses(struct preflight *preflight)
{
    preflight->question =
        name_question_addresses(preflight->acme, preflight->request.host,
                                preflight->verdict.slow_names, on_addresses, preflight);
}

static void on_caa(const struct name_answer *answer, void *context)
{
    struct preflight *preflight = context;
    note_answer(preflight, answer);
    go_on(preflight, answer->good ? LOOK_GOOD : LOOK_BAD);
}

static void ask_caa(struct preflight *preflight)
{
    const struct preflight_request *request = &preflight->request;
    const struct dns_caa_request question = {
        .name = bytes_of(request->host),
        .issuers = request->caa_issuers,
        .issuer_count = request->caa_issuer_count,
        .account_uri = request->account_uri,
        .method = settings_challenge_name(request->kind),
    };
    preflight->question = name_question_caa(preflight->acme, &question,
                                            preflight->verdict.slow_names, on_caa, preflight);
}

/* --- The fetch of what is ours (RFC 8555 §8.3, RFC 8737 §3), as a CA does it --- */

/* Why it failed at the address under test, or at where that redirects. */
static void fail_fetch(struct preflight *preflight, const char *why)
{
    CLEANUP_FREE char *place =
        preflight->plan.redirects == 0
            ? memory_string("")
            : memory_printf("it redirects to %s, port %d: ", preflight->target.host,
                            preflight->target.port);
    error_format(&preflight->verdict.error, ERROR_NOT_FOUND,
                 "%s does not reach this server at %s, port %d (%s%s); point its DNS here, or "
                 "remove that address",
                 preflight->request.host, preflight->addresses[preflight->plan.address],
                 port_of(preflight), place, why);
    go_on(preflight, LOOK_BAD);
}

/* Without libcurl's milliseconds: what is the same as before is no news. */
static void fail_transfer(struct preflight *preflight, const struct transfer *transfer,
                          enum transfer_result result)
{
    bool connected = transfer_is_connected(transfer);
    fail_fetch(preflight, result == TRANSFER_NO_CONNECTION ? "no connection"
                          : result != TRANSFER_TIMED_OUT   ? transfer_why(transfer)
                          : connected                      ? "no answer in time"
                                                           : "no connection in time");
}

static void fail_refused(struct preflight *preflight, const char *address)
{
    struct error why;
    bool refused = address_rule_refuse(address, "acme.preflight.addresses", &why);
    (void)refused;
    error_format(&preflight->verdict.error, ERROR_CONFLICT, "%s leads to where no CA can ask: %s",
                 preflight->target.host, why.text);
    go_on(preflight, LOOK_BAD);
}

/* CAs follow redirects to HTTPS without a look at the certificate, which may be what is to be got:
 * what proves the answer is the thumbprint in it. */
static void judge_answer(struct preflight *preflight, const struct transfer *transfer,
                         enum transfer_result result)
{
    CLEANUP_FREE char *want =
        memory_printf("%s.%s", preflight->request.token, preflight->request.thumbprint);
    if (result != TRANSFER_DONE && result != TRANSFER_TOO_LONG) {
        fail_transfer(preflight, transfer, result);
    } else if (result == TRANSFER_TOO_LONG ||
               !bytes_equal(buffer_bytes(transfer_body(transfer)), bytes_of(want))) {
        fail_fetch(preflight, "another server answers there");
    } else {
        go_on(preflight, LOOK_GOOD);
    }
}

static void judge_handshake(struct preflight *preflight, const struct transfer *transfer,
                            enum transfer_result result)
{
    struct error e;
    if (result != TRANSFER_DONE) {
        fail_transfer(preflight, transfer, result);
    } else if (!tls_probe_judge(&preflight->probe, &e)) {
        fail_fetch(preflight, e.text);
    } else {
        go_on(preflight, LOOK_GOOD);
    }
}

static void follow(struct preflight *preflight, const char *url)
{
    const struct settings_acme *settings = preflight->acme->settings;
    const int own_ports[] = {(int)settings->preflight_http_port,
                             (int)settings->preflight_https_port};
    struct look_target target;
    struct error e;
    if (preflight->plan.redirects == LOOK_REDIRECTS_MAX) {
        fail_fetch(preflight, "too many redirects");
    } else if (!look_target_parse(url, own_ports, &target, &e)) {
        fail_fetch(preflight, e.text);
    } else {
        look_target_clear(&preflight->target);
        preflight->target = target;
        go_on(preflight, LOOK_REDIRECTED);
    }
}

static void on_fetched(struct transfer *transfer, enum transfer_result result, void *context)
{
    struct preflight *preflight = context;
    const char *next = transfer_redirect(transfer);
    preflight->transfer = NULL; /* the group frees it */
    preflight->verdict.late = preflight->verdict.late || result == TRANSFER_TIMED_OUT;
    if (result == TRANSFER_REFUSED) {
        fail_refused(preflight, transfer_refused_address(transfer));
    } else if (asks_by_tls(preflight)) {
        judge_handshake(preflight, transfer, result);
    } else if (next != NULL) {
        follow(preflight, next);
    } else {
        judge_answer(preflight, transfer, result);
    }
}

/* Never more than is left of the whole look. */
static int64_t fetch_ms(const struct preflight *preflight)
{
    int64_t left_ms = preflight->until_ms - clock_monotonic_ms();
    left_ms = left_ms > 1 ? left_ms : 1;
    return left_ms < PREFLIGHT_FETCH_MS ? left_ms : PREFLIGHT_FETCH_MS;
}

/* The connection goes to the address that was found for the target's name, and to no other that a
 * second look-up might find. */
static void begin_transfer(struct preflight *preflight)
{
    const char *address = preflight->address;
    bool ipv6 = strchr(address, ':') != NULL;
    bool by_tls = asks_by_tls(preflight);
    CLEANUP_FREE char *place = memory_printf("%s%s%s:%d", ipv6 ? "[" : "", address, ipv6 ? "]" : "",
                                             preflight->target.port);
    preflight->transfer = transfer_new(&(struct transfer_request){
        .url = preflight->target.url,
        .protocols = "http,https",
        .agent = "mtasts-host/" MTASTS_VERSION " (self-test)",
        .timeout_ms = fetch_ms(preflight),
        .connect_ms = PREFLIGHT_CONNECT_MS,
        .body_max = PREFLIGHT_ANSWER_MAX,
        .unverified = true,
        .connect_to = place,
        .rule = preflight->rule,
        .connect_only = by_tls,
        .no_alpn = by_tls,
        .tls_setup = by_tls ? tls_probe_setup : NULL,
        .tls_setup_context = by_tls ? &preflight->probe : NULL,
    });
    transfer_group_add(preflight->acme->looks.group, preflight->transfer, on_fetched, NULL,
                       preflight);
}

/* What the CA would ask for first, at the address under test. */
static void aim(struct preflight *preflight)
{
    const struct preflight_request *request = &preflight->request;
    int port = port_of(preflight);
    look_target_clear(&preflight->target);
    preflight->target = (struct look_target){
        .url = asks_by_tls(preflight) ? memory_printf("https://%s:%d/", request->host, port)
                                      : memory_printf("http://%s:%d/.well-known/acme-challenge/%s",
                                                      request->host, port, request->token),
        .host = memory_string(request->host),
        .port = port,
    };
    memcpy(preflight->address, preflight->addresses[preflight->plan.address], DNS_ADDRESS_SIZE);
}

static void fetch(struct preflight *preflight)
{
    if (preflight->plan.redirects == 0) {
        aim(preflight);
    }
    preflight->probe = (struct tls_probe){.want = preflight->request.pair};
    if (asks_by_tls(preflight) && preflight->request.pair == NULL) {
        fail_fetch(preflight, "the certificate to be found cannot be made");
    } else {
        begin_transfer(preflight);
    }
}

/* --- Where a redirect leads --- */

static void on_target(const struct name_answer *answer, void *context)
{
    struct preflight *preflight = context;
    note_answer(preflight, answer);
    struct error *e = &preflight->verdict.error;
    bool found = answer->good &&
                 (answer->addresses.count != 0 || error_set(e, ERROR_NOT_FOUND, "no address"));
    if (!found) {
        CLEANUP_FREE char *why = memory_string(e->text);
        fail_fetch(preflight, why);
        return;
    }
    memcpy(preflight->address, answer->addresses.items[0], DNS_ADDRESS_SIZE);
    go_on(preflight, LOOK_GOOD);
}

/* The host's own name still stands for the address under test: all of them are looked at. */
static void find_target(struct preflight *preflight)
{
    const char *host = preflight->target.host;
    if (strcmp(host, preflight->request.host) == 0) {
        memcpy(preflight->address, preflight->addresses[preflight->plan.address], DNS_ADDRESS_SIZE);
        go_on(preflight, LOOK_GOOD);
        return;
    }
    preflight->question = name_question_addresses(
        preflight->acme, host, preflight->verdict.slow_names, on_target, preflight);
}

/* --- All of it --- */

static void pass(struct preflight *preflight)
{
    preflight->verdict.reaches = true;
    end(preflight);
}

static void do_step(struct preflight *preflight)
{
    static void (*const steps[])(struct preflight * preflight) = {
        [LOOK_ADDRESSES] = ask_addresses,
        [LOOK_FETCH] = fetch,
        [LOOK_TARGET] = find_target,
        [LOOK_CAA] = ask_caa,
        [LOOK_PASSED] = pass,
        [LOOK_FAILED] = end,
    };
    steps[preflight->plan.step](preflight);
}

void preflight_start(struct preflight *preflight)
{
    look_plan_begin(&preflight->plan);
    do_step(preflight);
}

/* --- Whose time is over --- */

/* The host's own servers took the time, or those of others before it in its lane. */
static void end_late_question(struct preflight *preflight)
{
    struct preflight_verdict *verdict = &preflight->verdict;
    struct name_question *question = TAKE(preflight->question);
    bool slow = name_question_is_slow(question);
    verdict->no_turn = !name_question_had_turn(question);
    verdict->late = verdict->late || slow || !verdict->no_turn;
    verdict->slow_names = verdict->slow_names || slow;
    error_format(&verdict->error, ERROR_RETRY,
                 "%s: %d s, the time of a look, were over before DNS answered; %s",
                 preflight->request.host, PREFLIGHT_LOOK_MS / 1000,
                 verdict->no_turn ? "it is looked at again soon"
                                  : "make its name servers answer sooner");
    name_question_drop(question);
    go_on(preflight, LOOK_BAD);
}

static void end_late_fetch(struct preflight *preflight)
{
    transfer_group_drop(preflight->acme->looks.group, TAKE(preflight->transfer));
    preflight->verdict.late = true;
    fail_fetch(preflight, "no answer within the time of a look");
}

/* Those that are slow have all places that they may have. The host goes behind, and has a place and
 * all of the time when it is its turn there. */
static void end_early(struct preflight *preflight)
{
    bool by_names = preflight->question != NULL && name_question_is_slow(preflight->question);
    struct preflight_verdict *verdict = &preflight->verdict;
    name_question_drop(TAKE(preflight->question));
    if (preflight->transfer != NULL) {
        transfer_group_drop(preflight->acme->looks.group, TAKE(preflight->transfer));
    }
    verdict->no_turn = true;
    verdict->late = true;
    verdict->slow_names = verdict->slow_names || by_names;
    error_format(&verdict->error, ERROR_RETRY,
                 "%s: its %s did not answer within %d s, and those of many others do not just now; "
                 "it is looked at again soon",
                 preflight->request.host, by_names ? "name servers" : "servers",
                 PREFLIGHT_SLOW_MS / 1000);
    go_on(preflight, LOOK_BAD);
}

/* What goes on in the quick lane is soon over, or waits for a thread: no slowness of the host's. */
static bool asks_quickly(const struct preflight *preflight)
{
    return preflight->question != NULL && !name_question_is_slow(preflight->question);
}

static void look_later_whether_slow(struct preflight *preflight)
{
    int64_t due_ms = clock_monotonic_ms() + PREFLIGHT_SLOW_MS;
    schedule_put(&preflight->acme->looks.times, &preflight->item,
                 due_ms < preflight->until_ms ? due_ms : preflight->until_ms);
}

bool preflights_are_slow(const struct acme *acme)
{
    return acme->looks.slow >= acme->looks.max / 2;
}

static void find_slow(struct preflight *preflight)
{
    if (asks_quickly(preflight)) {
        look_later_whether_slow(preflight);
    } else if (preflights_are_slow(preflight->acme)) {
        end_early(preflight);
    } else {
        count_as_slow(preflight);
    }
}

static void end_late(struct preflight *preflight)
{
    if (preflight->question != NULL) {
        end_late_question(preflight);
    } else {
        end_late_fetch(preflight);
    }
}

static struct preflight *look_of(struct schedule_item *item)
{
    return (struct preflight *)((char *)item - offsetof(struct preflight, item));
}

void preflights_end_late(struct acme *acme)
{
    int64_t now_ms = clock_monotonic_ms();
    struct schedule_item *item = NULL;
    while ((item = schedule_first(&acme->looks.times)) != NULL && item->due_ms <= now_ms) {
        struct preflight *preflight = look_of(item);
        if (preflight->is_slow || preflight->until_ms <= now_ms) {
            end_late(preflight);
        } else {
            find_slow(preflight);
        }
    }
}
