/* cert renew: has the running server order now, and waits for what becomes of it. */
#include <poll.h>
#include <stdio.h>

#include "cli/control_reply.h"
#include "cli/renewal_wait.h"
#include "cli/state_store.h"
#include "cli/sts_host.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"
#include "lib/yaml/fields.h"

enum {
    RENEW_TIMEOUT_MS = 30000,
    WAIT_MAX_S = 86400,
    LOOK_EVERY_MS = 200, /* each look is a read of two rows */
};

struct renewing_host {
    struct dns_name name;
    struct renewal_mark before;
    bool ended;
};

struct renewing {
    const struct settings *settings;
    struct acme_store *store; /* NULL: there was none when it was asked for */
    struct renewing_host *hosts;
    size_t count;
    size_t capacity;
    int64_t asked_s;
    int64_t wait_s; /* 0: does not wait */
    int code;
};

static void clear(struct renewing *renewing)
{
    for (size_t i = 0; i < renewing->count; i++) {
        renewal_mark_clear(&renewing->hosts[i].before);
    }
    free(renewing->hosts);
    acme_store_close(renewing->store);
}

static void fail(struct renewing *renewing, const struct error *e)
{
    fprintf(stderr, "mtasts-host: %s\n", e->text);
    renewing->code = COMMAND_FAILED;
}

static struct renewing_host *add_host(struct renewing *renewing)
{
    ARRAY_GROW(renewing->hosts, renewing->count, renewing->capacity);
    struct renewing_host *host = &renewing->hosts[renewing->count++];
    *host = (struct renewing_host){0};
    return host;
}

/* What a CA rejected for good is not asked for in the lump. */
static void add_failing(const struct acme_store_host *row, void *context)
{
    if (row->trouble == ACME_HOST_WAITS || row->trouble == ACME_HOST_FAILS) {
        struct error ignored;
        struct dns_name name;
        if (dns_name_normalise(bytes_of(row->name), &name, &ignored)) {
            add_host(context)->name = name;
        }
    }
}

/* The store may be missing: then the server, asked soon, makes it. */
static bool open_store(struct renewing *renewing, struct error *e)
{
    return renewing->store != NULL || state_store_open(renewing->settings, &renewing->store, e) ||
           e->code == ERROR_NOT_FOUND;
}

static bool collect_hosts(struct renewing *renewing, const struct invocation *invocation,
                          struct error *e)
{
    if (invocation_has(invocation, "all-failing")) {
        return state_store_open(renewing->settings, &renewing->store, e) &&
               acme_store_each_host(renewing->store, add_failing, renewing, e);
    }
    for (size_t i = 0; i < invocation->argument_count; i++) {
        struct dns_name name;
        if (!sts_host_parse(invocation->arguments[i], &name, e)) {
            return false;
        }
        add_host(renewing)->name = name;
    }
    return renewing->wait_s == 0 || open_store(renewing, e);
}

static void ask(struct renewing *renewing, struct renewing_host *host)
{
    struct error e;
    const char *name = host->name.text;
    host->ended = true;
    if (renewing->wait_s != 0 && renewing->store != NULL &&
        !renewal_mark_read(renewing->store, name, &host->before, &e)) {
        fail(renewing, &e);
        return;
    }
    json_t *request = json_pack("{s:s, s:s}", "command", "cert-renew", "host", name);
    if (!control_reply_act(renewing->settings, request, RENEW_TIMEOUT_MS, name)) {
        renewing->code = COMMAND_FAILED;
        return;
    }
    host->ended = renewing->wait_s == 0;
    if (host->ended) {
        fprintf(stderr, "%s: on its way\n", name);
    }
}

/* False: the order is under way still. */
static bool look(struct renewing *renewing, struct renewing_host *host)
{
    struct error e;
    struct renewal_mark after;
    if (!open_store(renewing, &e)) {
        fail(renewing, &e);
        return true;
    }
    if (renewing->store == NULL) {
        return false;
    }
    if (!renewal_mark_read(renewing->store, host->name.text, &after, &e)) {
        fail(renewing, &e);
        return true;
    }
    enum renewal_outcome outcome = renewal_outcome(&host->before, &after, renewing->asked_s);
    if (outcome == RENEWAL_DONE) {
        fprintf(stderr, "%s: a new certificate is there\n", host->name.text);
    } else if (outcome == RENEWAL_FAILED) {
        fprintf(stderr, "mtasts-host: %s: %s\n", host->name.text,
                after.problem != NULL ? SAFE_TEXT(after.problem)
                                      : "it failed; the server's log says why");
        renewing->code = command_worse(renewing->code, COMMAND_NO);
    }
    renewal_mark_clear(&after);
    return outcome != RENEWAL_UNDER_WAY;
}

/* How many are under way still. */
static size_t look_at_all(struct renewing *renewing)
{
    size_t left = 0;
    for (size_t i = 0; i < renewing->count; i++) {
        struct renewing_host *host = &renewing->hosts[i];
        host->ended = host->ended || look(renewing, host);
        left += !host->ended;
    }
    return left;
}

static void wait_for_all(struct renewing *renewing)
{
    int64_t deadline_ms = clock_monotonic_ms() + renewing->wait_s * 1000;
    size_t left = look_at_all(renewing);
    while (left != 0 && clock_monotonic_ms() < deadline_ms) {
        (void)poll(NULL, 0, LOOK_EVERY_MS);
        left = look_at_all(renewing);
    }
    for (size_t i = 0; left != 0 && i < renewing->count; i++) {
        if (!renewing->hosts[i].ended) {
            fprintf(stderr,
                    "mtasts-host: %s: still under way; \"mtasts-host cert show\" has more\n",
                    renewing->hosts[i].name.text);
            renewing->code = COMMAND_FAILED;
        }
    }
}

static int run(const struct invocation *invocation, int64_t wait_s)
{
    CLEANUP_SETTINGS struct settings *settings = workspace_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    CLEANUP(clear)
    struct renewing renewing = {
        .settings = settings, .wait_s = wait_s, .asked_s = clock_wall_s(), .code = COMMAND_DONE};
    struct error e;
    if (!collect_hosts(&renewing, invocation, &e)) {
        fail(&renewing, &e);
        return renewing.code;
    }
    if (renewing.count == 0) {
        fprintf(stderr, "No name fails.\n");
    }
    for (size_t i = 0; i < renewing.count; i++) {
        ask(&renewing, &renewing.hosts[i]);
    }
    if (wait_s != 0) {
        wait_for_all(&renewing);
    }
    return renewing.code;
}

int cmd_cert_renew(const struct invocation *invocation)
{
    if (invocation_has(invocation, "all-failing") == (invocation->argument_count != 0)) {
        return invocation_usage(invocation, "name domains, or give --all-failing");
    }
    int64_t wait_s = 0;
    const char *wait = invocation_value(invocation, "wait");
    if (wait != NULL &&
        (!fields_parse_duration_s(bytes_of(wait), &wait_s) || wait_s < 1 || wait_s > WAIT_MAX_S)) {
        return invocation_usage(
            invocation, "--wait takes a time from 1s to 1d, such as 30s or 2m, not \"%s\"", wait);
    }
    return run(invocation, wait_s);
}
