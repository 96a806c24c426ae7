/* check: what senders see of domains, from outside, and what is wrong with it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/check_json.h"
#include "cli/check_print.h"
#include "cli/check_run.h"
#include "cli/check_senders.h"
#include "cli/check_watch.h"
#include "cli/dns_choice.h"
#include "lib/base/safe_json.h"
#include "lib/yaml/fields.h"

enum {
    INTERVAL_S = 300,
    INTERVAL_MAX_S = 86400,
    ISSUERS_MAX = 32,
    DNS_PATIENCE_MS = 5000, /* a resolver may take seconds until it gives a broken zone up */
};

struct check {
    const struct invocation *invocation;
    struct check_list list;
    struct dns_resolver *resolver;
    struct observer *observer;
    const char *issuers[ISSUERS_MAX]; /* of our CAs */
    size_t issuer_count;
    enum finding_severity fail_on;
    int64_t interval_s;
    bool json;
    bool watches;
    bool senders;
    json_t *items; /* with --json */
    struct check_printer printer;
    size_t answered; /* domains of which some DNS server said anything */
    bool found;      /* something at or above fail_on */
};

static void clear(struct check *check)
{
    observer_free(check->observer);
    dns_resolver_free(check->resolver);
    check_list_clear(&check->list);
    json_decref(check->items);
}

static void add_issuer(struct check *check, const char *issuer)
{
    if (check->issuer_count < ISSUERS_MAX) {
        check->issuers[check->issuer_count++] = issuer;
    }
}

/* What CA goes by in CAA records: as configured, or where that is known. */
static void add_issuers_of(struct check *check, const struct settings_directory *ca)
{
    static const struct {
        const char *part; /* of the directory's URL */
        const char *issuer;
    } known[] = {
        {".letsencrypt.org/", "letsencrypt.org"},
        {".pki.goog/", "pki.goog"},
        {"acme.zerossl.com/", "sectigo.com"},
        {".buypass.com/", "buypass.com"},
        {"acme.ssl.com/", "ssl.com"},
    };
    for (size_t i = 0; i < ca->caa.count; i++) {
        add_issuer(check, ca->caa.items[i]);
    }
    for (size_t i = 0; ca->caa.count == 0 && i < ARRAY_LENGTH(known); i++) {
        if (strstr(ca->url, known[i].part) != NULL) {
            add_issuer(check, known[i].issuer);
        }
    }
}

static void find_issuers(struct check *check)
{
    const struct settings *settings = check->list.settings;
    if (settings == NULL || settings->acme == NULL) {
        return;
    }
    for (size_t i = 0; i < settings->acme->directory_count; i++) {
        add_issuers_of(check, &settings->acme->directories[i]);
    }
}

static bool read_options(struct check *check)
{
    const struct invocation *invocation = check->invocation;
    const char *fail_on = invocation_value(invocation, "fail-on");
    const char *interval = invocation_value(invocation, "interval");
    check->json = invocation_has(invocation, "json");
    check->watches = invocation_has(invocation, "watch");
    check->senders = invocation_has(invocation, "senders");
    check->fail_on = FINDING_ERROR;
    check->interval_s = INTERVAL_S;
    if (fail_on != NULL && !finding_severity_parse(bytes_of(fail_on), &check->fail_on)) {
        return false; /* not reached: the option's choices are the severities */
    }
    if (interval != NULL && !check->watches) {
        (void)invocation_usage(invocation, "--interval goes with --watch");
        return false;
    }
    if (interval != NULL && (!fields_parse_duration_s(bytes_of(interval), &check->interval_s) ||
                             check->interval_s < 1 || check->interval_s > INTERVAL_MAX_S)) {
        (void)invocation_usage(invocation, "--interval %s: give 1s to 1d, as in 30s or 5m",
                               interval);
        return false;
    }
    return true;
}

static bool begin(struct check *check, struct error *e)
{
    find_issuers(check);
    if (!dns_choice_open(invocation_values(check->invocation, "resolver"), check->list.settings,
                         &check->resolver, e)) {
        return false;
    }
    dns_resolver_set_attempt_ms(check->resolver, DNS_PATIENCE_MS);
    const struct observer_options options = {
        .resolver = check->resolver,
        .trust = invocation_value(check->invocation, "trust"),
        .caa_issuers = check->issuers,
        .caa_issuer_count = check->issuer_count,
    };
    return observer_new(&options, &check->observer, e);
}

static void take(struct check_item *item, void *context)
{
    struct check *check = context;
    enum finding_severity worst;
    check->found =
        check->found || (findings_worst(&item->findings, &worst) && worst >= check->fail_on);
    check->answered += item->observation.mx_trace.outcome != DNS_NO_ANSWER ||
                       item->observation.sts.trace.outcome != DNS_NO_ANSWER;
    if (check->items != NULL) {
        json_t *object = check_json_item(item);
        if (check->senders) {
            json_object_set_new(object, "senders", check_senders_json(&item->observation));
        }
        json_array_append_new(check->items, object);
    } else {
        check_print_item(&check->printer, item);
        if (check->senders) {
            check_senders_print(&item->observation, stdout);
        }
    }
    check_item_reset(item); /* or --all keeps the findings of all domains to the end */
}

static int finish(struct check *check)
{
    if (check->items != NULL) {
        json_t *all = json_pack("{s:O}", "domains", check->items);
        safe_json_print(all, stdout);
        json_decref(all);
    }
    if (check->list.count != 0 && check->answered == 0) {
        fprintf(stderr, "mtasts-host: no DNS server answers; look at the network, or name another "
                        "server by --resolver\n");
        return COMMAND_FAILED;
    }
    return check->list.incomplete ? COMMAND_FAILED : check->found ? COMMAND_NO : COMMAND_DONE;
}

int cmd_check(const struct invocation *invocation)
{
    CLEANUP(clear)
    struct check check = {.invocation = invocation, .printer = check_printer_make(stdout)};
    struct error e;
    int code = COMMAND_USAGE;
    if (invocation_has(invocation, "explain")) {
        check_print_kinds(stdout);
        return COMMAND_DONE;
    }
    if (!read_options(&check) || !check_list_make(invocation, &check.list, &code)) {
        return code;
    }
    if (!begin(&check, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    if (check.watches) {
        check_watch(
            &(struct check_watch){&check.list, check.observer, check.interval_s, check.json});
        return COMMAND_FAILED; /* nobody reads any more: main says so */
    }
    check.items = check.json ? json_array() : NULL;
    check_run(&(struct check_run){
        .list = &check.list,
        .observer = check.observer,
        .take = take,
        .context = &check,
        .progress = isatty(STDERR_FILENO) == 1 && (check.json || check.list.count > 1),
    });
    return finish(&check);
}
