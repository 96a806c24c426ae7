/* check: what senders see of domains, from outside, and what is wrong with it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checks/caa_issuers.h"
#include "checks/check_run.h"
#include "cli/check_view.h"
#include "cli/check_watch.h"
#include "cli/json_view.h"
#include "cli/opening.h"
#include "cli/progress_line.h"
#include "lib/base/safe_json.h"

enum {
    INTERVAL_S = 300,
    DNS_PATIENCE_MS = 5000, /* a resolver may take seconds until it gives a broken zone up */
};

struct check {
    const struct invocation *invocation;
    struct workspace workspace; /* empty where there is no configuration */
    struct check_list list;
    struct dns_resolver *resolver;
    struct observer *observer;
    const char *issuers[CAA_ISSUERS_MAX];
    enum finding_severity fail_on;
    bool senders;
    bool incomplete; /* names were left out: nobody knows whose they are, or, with --all, they are
                        in files in error */
    json_t *items;   /* with --json */
    struct check_printer printer;
    size_t answered; /* domains of which some DNS server said anything */
    bool found;      /* something at or above fail_on */
};

static void clear(struct check *check)
{
    observer_free(check->observer);
    dns_resolver_free(check->resolver);
    check_list_clear(&check->list);
    workspace_clear(&check->workspace);
    json_decref(check->items);
}

/* --- Which domains --- */

/* Those that were named, in that order and each once. */
static bool add_named(struct check *check)
{
    const struct catalogue *catalogue = check->workspace.catalogue;
    for (size_t i = 0; i < check->invocation->argument_count; i++) {
        struct error e;
        struct dns_name domain;
        struct catalogue_view view;
        if (!read_domain(check->invocation, check->invocation->arguments[i], &domain)) {
            return false;
        }
        if (catalogue != NULL && !workspace_is_clear(catalogue, &domain, &e)) {
            check->incomplete = !tell(&e);
            continue;
        }
        bool ours = catalogue != NULL && catalogue_find(catalogue, dns_name_bytes(&domain), &view);
        check_list_add(&check->list, &domain, ours ? &view : NULL);
    }
    return true;
}

/* A configuration is read where one is there; with names alone none is needed. An enum
 * command_exit. */
static int collect(struct check *check)
{
    const struct invocation *invocation = check->invocation;
    bool all = invocation_has(invocation, "all");
    bool wanted = invocation->config != NULL || all || access(settings_find(NULL), F_OK) == 0;
    if (wanted && !open_workspace(invocation, &check->workspace)) {
        return COMMAND_FAILED;
    }
    bool ok = all || add_named(check);
    if (all) {
        check_list_add_all(&check->list, check->workspace.catalogue);
        check->incomplete = workspace_exit(&check->workspace) != COMMAND_DONE;
    }
    catalogue_free(TAKE(check->workspace.catalogue)); /* what is looked at is in the list */
    return ok ? COMMAND_DONE : COMMAND_USAGE;
}

/* --- Looking --- */

static bool begin(struct check *check)
{
    struct error e;
    const struct invocation *invocation = check->invocation;
    const char *only = invocation_value(invocation, "trust-only");
    if (!open_resolver(invocation, check->workspace.settings, &check->resolver, &e)) {
        return tell(&e);
    }
    dns_resolver_set_attempt_ms(check->resolver, DNS_PATIENCE_MS);
    const struct observer_options options = {
        .resolver = check->resolver,
        .trust = only != NULL ? only : invocation_value(invocation, "trust"),
        .trust_only = only != NULL,
        .caa_issuers = check->issuers,
        .caa_issuer_count = caa_issuers_find(check->workspace.settings, check->issuers),
    };
    return observer_new(&options, &check->observer, &e) || tell(&e);
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
        json_view_print_list("domains", TAKE(check->items));
    }
    if (check->list.count != 0 && check->answered == 0) {
        fprintf(stderr, "mtasts-host: no DNS server answers; look at the network, or name another "
                        "server by --resolver\n");
        return COMMAND_FAILED;
    }
    return check->incomplete ? COMMAND_FAILED : check->found ? COMMAND_NO : COMMAND_DONE;
}

int cmd_check(const struct invocation *invocation)
{
    if (invocation_has(invocation, "explain")) {
        check_print_kinds(stdout);
        return COMMAND_DONE;
    }
    CLEANUP(clear)
    struct check check = {
        .invocation = invocation,
        .printer = check_printer_make(stdout),
        .senders = invocation_has(invocation, "senders"),
        .fail_on = FINDING_ERROR,
    };
    bool json = invocation_has(invocation, "json");
    const char *fail_on = invocation_value(invocation, "fail-on");
    if (fail_on != NULL && !finding_severity_parse(bytes_of(fail_on), &check.fail_on)) {
        return COMMAND_USAGE; /* not reached: the option's choices are the severities */
    }
    int code = collect(&check);
    if (code != COMMAND_DONE || !begin(&check)) {
        return code != COMMAND_DONE ? code : COMMAND_FAILED;
    }
    if (invocation_has(invocation, "watch")) {
        check_watch(&(struct check_watch){&check.list, check.observer,
                                          invocation_duration_s(invocation, "interval", INTERVAL_S),
                                          json});
        return COMMAND_FAILED; /* nobody reads any more: main says so */
    }
    struct progress_line line = progress_line_begin();
    line.on = line.on && (json || check.list.count > 1);
    check.items = json ? json_array() : NULL;
    check_run(&(struct check_run){
        .list = &check.list,
        .observer = check.observer,
        .take = take,
        .context = &check,
        .progress = {progress_line_show, &line},
    });
    progress_line_end(&line);
    return finish(&check);
}
