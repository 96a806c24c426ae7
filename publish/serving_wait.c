#include "serving_wait.h"

#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/parallel.h"
#include "lib/dns/exchange.h"
#include "lib/dns/lookup.h"
#include "policies/model/policy_fetch.h"
#include "server/control/control.h"

enum {
    CONTROL_MS = 5000,
    FETCH_MS = 5000, /* one address; half of what the least patient senders would wait is 1 s */
    FETCHES = 32,    /* at the same time */
    FIRST_ROUND_MS = 60000,
    PAUSE_MS = 200, /* between two rounds */
    PORT_MAX = 65535,
};

/* --- the control socket --- */

/* False: nobody can be asked, and E says why. */
static bool ask_control(struct serving_wait *wait, struct error *e)
{
    for (size_t next = 0, end = 0; next < wait->count;) {
        json_t *reply = NULL;
        json_t *request = serving_question_make(wait->items, wait->count, next, &end);
        if (request == NULL) {
            return true;
        }
        bool ok = control_ask(settings_control(wait->settings), request, CONTROL_MS, &reply, e);
        json_decref(request);
        if (!ok) {
            return false;
        }
        next = serving_question_judge(wait->items, next, end, reply);
        json_decref(reply);
    }
    return true;
}

static bool ask_control_all(struct serving_wait *wait)
{
    struct error e;
    bool ok = ask_control(wait, &e);
    free(wait->unasked);
    wait->unasked = ok ? NULL : memory_string(e.text);
    return ok;
}

/* --- HTTPS --- */

struct round {
    const struct serving_wait *wait;
    int64_t deadline_ms;
};

static bool fetch_at(const struct round *round, struct serving_item *item, const char *address)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer body = BUFFER(POLICY_BODY_MAX);
    bool ipv6 = strchr(address, ':') != NULL;
    CLEANUP_FREE char *connect_to =
        memory_printf("%s%s%s:%s", ipv6 ? "[" : "", address, ipv6 ? "]" : "", round->wait->port);
    int64_t left_ms = round->deadline_ms - clock_monotonic_ms();
    struct policy_fetch_options options = {
        .connect_to = connect_to,
        .timeout_ms = left_ms > FETCH_MS || left_ms < 1000 ? FETCH_MS : left_ms,
    };
    bool fetched = policy_fetch(bytes_of(item->domain), &options, &body, &e);
    if (fetched) {
        serving_item_judge(item, buffer_bytes(&body));
        (void)(!item->served && error_set(&e, ERROR_CHANGED, "another text is served"));
    }
    if (!fetched || !item->served) {
        CLEANUP_FREE char *why = memory_printf("at %s: %s", address, e.text);
        serving_item_deny(item, why);
    }
    return fetched && item->served;
}

static void ask_https(size_t number, void *own, void *context)
{
    (void)own;
    const struct round *round = context;
    const struct serving_wait *wait = round->wait;
    struct serving_item *item = &wait->items[number];
    if (item->served) {
        return;
    }
    if (clock_monotonic_ms() >= round->deadline_ms) {
        if (item->why == NULL) {
            serving_item_deny(item, "the time was over before it was asked");
        }
        return;
    }
    struct error e;
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    CLEANUP_FREE char *host = wait->host != NULL
                                  ? memory_string(wait->host)
                                  : memory_printf(POLICY_HOST_PREFIX "%s", item->domain);
    struct dns_server literal;
    if (dns_server_parse(bytes_of(host), &literal, &e)) {
        (void)fetch_at(round, item, host);
        return;
    }
    if (!dns_lookup_addresses(wait->resolver, bytes_of(host), &addresses, &e)) {
        serving_item_deny(item, e.text);
        return;
    }
    bool all = addresses.count != 0;
    for (size_t i = 0; all && i < addresses.count; i++) {
        all = fetch_at(round, item, addresses.items[i]);
    }
    item->served = all;
    if (addresses.count == 0) {
        serving_item_deny(item, "its policy host has no address");
    }
}

static void ask_https_all(struct serving_wait *wait, int64_t deadline_ms)
{
    struct round round = {.wait = wait, .deadline_ms = deadline_ms};
    parallel_run(&(struct parallel_jobs){
        .count = wait->count, .work = ask_https, .context = &round, .threads = FETCHES});
}

/* --- both --- */

static size_t count_missing(const struct serving_wait *wait)
{
    size_t missing = 0;
    for (size_t i = 0; i < wait->count; i++) {
        missing += wait->items[i].served ? 0 : 1;
    }
    return missing;
}

static void ask_all(struct serving_wait *wait, int64_t deadline_ms)
{
    bool asked = wait->source != SERVING_HTTPS && ask_control_all(wait);
    if (!asked && wait->source != SERVING_CONTROL) {
        ask_https_all(wait, deadline_ms);
    }
}

size_t serving_wait_run(struct serving_wait *wait, int64_t timeout_ms)
{
    int64_t start_ms = clock_monotonic_ms();
    int64_t deadline_ms = start_ms + timeout_ms;
    size_t missing = count_missing(wait);
    for (bool first = true; missing != 0; first = false) {
        ask_all(wait,
                first && timeout_ms < FIRST_ROUND_MS ? start_ms + FIRST_ROUND_MS : deadline_ms);
        missing = count_missing(wait);
        progress_show(&wait->progress, "policies are served", wait->count - missing, wait->count);
        if (clock_monotonic_ms() + PAUSE_MS >= deadline_ms) {
            break;
        }
        if (missing != 0) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        }
    }
    return missing;
}

bool serving_wait_at(struct serving_wait *wait, const char *url, struct error *e)
{
    static const char scheme[] = "https://";
    struct bytes rest = bytes_of(url);
    if (!bytes_starts_with(rest, BYTES("https://"))) {
        return error_set(e, ERROR_SYNTAX, "\"%s\" is no address to ask; write https://HOST[:PORT]",
                         dns_name_show(rest).text);
    }
    rest = bytes_skip(rest, strlen(scheme));
    rest.n -= bytes_ends_with(rest, BYTES("/")) ? 1 : 0;
    unsigned port = 443;
    CLEANUP_FREE char *host = memory_string_of(rest);
    char *bracket = strrchr(host, ']');
    char *colon = strrchr(host, ':');
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        char *end = NULL;
        unsigned long given = strtoul(colon + 1, &end, 10);
        port = *end == '\0' && given <= PORT_MAX ? (unsigned)given : 0;
        *colon = '\0';
    }
    if (host[0] == '[' && bracket != NULL && bracket[1] == '\0') {
        *bracket = '\0';
        memmove(host, host + 1, strlen(host));
    }
    if (port == 0 || host[0] == '\0' || strchr(host, '/') != NULL) {
        return error_set(e, ERROR_SYNTAX, "\"%s\" is no address to ask; write https://HOST[:PORT]",
                         dns_name_show(bytes_of(url)).text);
    }
    (void)snprintf(wait->port, sizeof(wait->port), "%u", port);
    wait->source = SERVING_HTTPS;
    wait->host = TAKE(host);
    return true;
}

size_t serving_wait_add(struct serving_wait *wait, const struct catalogue_view *view)
{
    ARRAY_GROW(wait->items, wait->count, wait->capacity);
    wait->items[wait->count] = (struct serving_item){
        .domain = memory_string_of(view->entry->name),
        .policy = view->policy,
    };
    return wait->count++;
}

void serving_wait_clear(struct serving_wait *wait)
{
    for (size_t i = 0; i < wait->count; i++) {
        serving_item_clear(&wait->items[i]);
    }
    free(wait->items);
    free(wait->host);
    free(wait->unasked);
    *wait = (struct serving_wait){0};
}
