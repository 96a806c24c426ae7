/* retire: the first step of taking MTA-STS off a domain (RFC 8461 §8.3).
 *
 * A domain must not simply vanish: a sender that holds its policy of mode enforce goes on applying
 * it until max_age is over, to whatever MX hosts the domain has by then. So it serves mode none
 * first, under a new id, so that senders fetch it; and record, host and policy stay until the last
 * text of another mode that was ever served has expired everywhere. max_age is short (a day) as
 * that of mode none is all that anybody still waits for who would like to come back. The mx lines
 * stay: some senders refuse a policy without them, of whatever mode.
 *
 * The day is not written down here: the server's history notes that the domain serves none when it
 * does, and knows what it served before (policies/memory/history_leaving.h). */
#include <stdio.h>

#include "cli/changed_records.h"
#include "cli/name_map.h"
#include "cli/policy_change.h"
#include "cli/retire_view.h"
#include "cli/served_history.h"
#include "cli/time_text.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/yaml/fields.h"

enum { RETIRE_MAX_AGE_S = 24 * 60 * 60 };

struct retire {
    const struct invocation *invocation;
    struct workspace workspace;
    struct served_history history;
    struct name_map done; /* domains that serve mode none now */
    struct leaving_list leaving;
    bool leaving_asked;
    int64_t max_age_s; /* -1: not given */
    int64_t now_s;
    bool dry_run;
    bool failed;
};

static void clear(struct retire *retire)
{
    served_history_clear(&retire->history);
    name_map_clear(&retire->done);
    leaving_list_clear(&retire->leaving);
    workspace_clear(&retire->workspace);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t held_from_now(const struct retire *retire, const struct policy *policy)
{
    return policy != NULL && policy->mode != POLICY_NONE ? retire->now_s + policy->max_age_s : 0;
}

static const struct leaving_item *find_leaving(struct retire *retire, struct bytes domain)
{
    struct error e;
    if (!retire->leaving_asked) {
        retire->leaving_asked = true;
        if (!leaving_list_ask(retire->workspace.settings, &retire->leaving, &e)) {
            fprintf(stderr, "Which domains are retired is not known: %s\n", e.text);
        }
    }
    for (size_t i = 0; i < retire->leaving.count; i++) {
        if (bytes_equal(bytes_of(retire->leaving.items[i].domain), domain)) {
            return &retire->leaving.items[i];
        }
    }
    return NULL;
}

/* Of one that serves mode none already. */
static int64_t expired_before_s(struct retire *retire, struct bytes domain, bool *ret_known)
{
    const struct leaving_item *item = find_leaving(retire, domain);
    *ret_known = item != NULL && item->known;
    return item != NULL ? item->until_s : 0;
}

/* The latest over all texts of another mode; *RET_KNOWN false: there is no memory of them. */
static int64_t expired_s(struct retire *retire, const struct catalogue_view *view,
                         const struct policy *retired, bool *ret_known)
{
    if (view->policy->mode == POLICY_NONE) {
        return expired_before_s(retire, view->entry->name, ret_known);
    }
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct served_question question = {
        .subject = domain, .domain = domain, .policy = retired};
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&retire->history, &question, &answer);
    int64_t until_s = held_from_now(retire, answer.serving);
    for (size_t i = 0; i < answer.held_count; i++) {
        if (answer.held[i].policy->mode != POLICY_NONE) {
            until_s = later(until_s, answer.held[i].until_s);
        }
    }
    *ret_known = answer.known;
    return *ret_known ? until_s : later(until_s, held_from_now(retire, view->policy));
}

static void tell_day(const struct retire *retire, const struct catalogue_view *view,
                     int64_t until_s, bool known)
{
    struct bytes domain = view->entry->name;
    if (until_s > retire->now_s) {
        fprintf(stderr,
                "  until %s senders may hold an older policy%s: keep the policy in %s, the record "
                "_mta-sts.%.*s and the host mta-sts.%.*s with its certificate\n",
                time_text_moment(until_s).text,
                known ? ""
                : view->policy->mode == POLICY_NONE
                    ? " (as far as is known)"
                    : " (no history: by the max_age of the text that is replaced)",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
        fprintf(stderr,
                "  then take it out of %s, and both names out of DNS; \"mtasts-host retire "
                "--list\" says when\n",
                view->path);
    } else if (!known) {
        fprintf(stderr,
                "  not known what it served before mode none: keep the policy in %s, the record "
                "_mta-sts.%.*s and the host mta-sts.%.*s for the max_age of that policy\n",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
    } else {
        fprintf(stderr,
                "  no sender holds an older policy any more: take it out of %s, and _mta-sts.%.*s "
                "and mta-sts.%.*s out of DNS\n",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
    }
}

/* No longer than it was. */
static uint32_t wanted_max_age_s(const struct retire *retire, const struct policy *before)
{
    if (retire->max_age_s >= 0) {
        return (uint32_t)retire->max_age_s;
    }
    return before->max_age_s < RETIRE_MAX_AGE_S ? before->max_age_s : RETIRE_MAX_AGE_S;
}

static bool retire_domain(const struct catalogue_view *view, void *context)
{
    struct retire *retire = context;
    struct error e;
    if (!workspace_has_policy(view, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        retire->failed = true;
        return true;
    }
    const struct policy_edit edit = {
        .section = ID_EDIT_DOMAINS,
        .name = view->entry->name,
        .basis = view->policy,
        .basis_tlsrpt = view->shared != NULL ? view->shared->tlsrpt : BYTES(""),
        .set_mode = true,
        .mode = POLICY_NONE,
        .set_max_age = true,
        .max_age_s = wanted_max_age_s(retire, view->policy),
    };
    const struct policy_change change = {
        .edit = &edit,
        .settings = retire->workspace.settings,
        .path = view->path,
        .now_s = retire->now_s,
        .write = !retire->dry_run,
    };
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP(policy_changed_clear) struct policy_changed changed = {0};
    if (!policy_change_make(&change, &changed, &d)) {
        diagnostics_print(&d, stderr);
        retire->failed = true;
        return true;
    }
    fprintf(stderr, "%.*s: %s, max_age %s, id %s%s\n", BYTES_ARG(view->entry->name),
            changed.text ? "mode none" : "serves mode none already",
            time_text_span(edit.max_age_s).text, changed.id.text,
            view->shared != NULL ? ", a policy of its own" : "");
    name_map_add(&retire->done, view->entry->name);
    bool known = false;
    int64_t until_s = expired_s(retire, view, changed.policy, &known);
    tell_day(retire, view, until_s, known);
    return true;
}

static bool is_retired(const struct catalogue_view *view, void *context)
{
    const struct retire *retire = context;
    return name_map_find(&retire->done, view->entry->name) != NULL;
}

static int list(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = workspace_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    struct error e;
    CLEANUP(leaving_list_clear) struct leaving_list found = {0};
    if (!leaving_list_ask(settings, &found, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    int64_t now_s = clock_wall_s();
    if (invocation_has(invocation, "json")) {
        retire_view_print_json(&found, now_s, stdout);
    } else {
        retire_view_print(&found, now_s, stdout);
    }
    return COMMAND_DONE;
}

static bool read_max_age(const struct invocation *invocation, int64_t *ret_max_age_s)
{
    const char *text = invocation_value(invocation, "max-age");
    int64_t max_age_s = -1;
    if (text != NULL && (!fields_parse_duration_s(bytes_of(text), &max_age_s) || max_age_s < 0 ||
                         max_age_s > POLICY_MAX_AGE_MAX)) {
        return false;
    }
    *ret_max_age_s = max_age_s;
    return true;
}

static int retire_all(struct retire *retire)
{
    if (!workspace_open(retire->invocation, &retire->workspace)) {
        return COMMAND_FAILED;
    }
    if (!changed_records_check(retire->invocation, retire->workspace.settings)) {
        return COMMAND_FAILED;
    }
    retire->history.control = retire->workspace.settings->control;
    if (!workspace_each(&retire->workspace, retire->invocation, retire_domain, retire)) {
        retire->failed = true;
    }
    if (retire->history.why != NULL) {
        fprintf(stderr, "What was served so far is not known: %s\n", retire->history.why);
    }
    if (retire->dry_run) {
        fprintf(stderr, "Nothing was written (--dry-run).\n");
    } else if (retire->done.count != 0 &&
               !changed_records_put(&(struct changed_records){.invocation = retire->invocation,
                                                              .is_changed = is_retired,
                                                              .context = retire})) {
        retire->failed = true;
    }
    return retire->failed ? COMMAND_FAILED : COMMAND_DONE;
}

int cmd_retire(const struct invocation *invocation)
{
    CLEANUP(clear) struct retire retire = {.invocation = invocation, .now_s = clock_wall_s()};
    bool lists = invocation_has(invocation, "list");
    if (lists == (invocation->argument_count != 0)) {
        return invocation_usage(invocation, "name domains, or give --list");
    }
    if (!lists && invocation_has(invocation, "json")) {
        return invocation_usage(invocation, "--json goes with --list; records have --format json");
    }
    if (invocation_has(invocation, "publish") && (lists || invocation_has(invocation, "dry-run"))) {
        return invocation_usage(invocation,
                                "--publish changes DNS: leave --list and --dry-run out");
    }
    if (!read_max_age(invocation, &retire.max_age_s)) {
        return invocation_usage(invocation, "--max-age is 0 to %d seconds, or with s m h d w",
                                POLICY_MAX_AGE_MAX);
    }
    retire.dry_run = invocation_has(invocation, "dry-run");
    return lists ? list(invocation) : retire_all(&retire);
}
