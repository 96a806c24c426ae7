/* plan mx: the steps of moving a domain's MX, each at its time (RFC 8461 §8.1). What is done is
 * seen in what stands, so that a second run goes on where the first one ended. */
#include <stdio.h>

#include "cli/mx_plan_view.h"
#include "cli/opening.h"
#include "cli/record_output.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"
#include "policies/model/mx_pattern.h"
#include "publish/mx_step.h"

enum { HOSTS_MAX = 64 };

struct move {
    const struct invocation *invocation;
    struct settings *settings; /* as they were at the beginning */
    struct mx_plan_names add;
    struct mx_plan_names remove;
    struct dns_resolver *resolver;
    struct workspace workspace;
    struct mx_plan_question question;
    struct mx_plan plan;
    struct record_output output;
};

static void close_plan(struct move *move)
{
    mx_plan_clear(&move->plan);
    workspace_clear(&move->workspace);
}

static void clear(struct move *move)
{
    record_output_close(&move->output);
    close_plan(move);
    dns_resolver_free(move->resolver);
    if (move->settings != NULL) {
        settings_free(move->settings);
    }
    free(move->add.items);
    free(move->remove.items);
}

/* --- Which hosts --- */

static bool read_hosts(const struct invocation *invocation, const char *option,
                       struct mx_plan_names *names)
{
    const struct invocation_values *values = invocation_values(invocation, option);
    for (size_t i = 0; i < values->count; i++) {
        struct error e;
        struct dns_name name;
        if (names->count == HOSTS_MAX) {
            (void)invocation_usage(invocation, "name at most %d hosts with --%s", HOSTS_MAX,
                                   option);
            return false;
        }
        if (!mx_pattern_normalise(bytes_of(values->items[i]), &name, &e)) {
            (void)invocation_usage(invocation, "--%s %s: %s", option, values->items[i], e.text);
            return false;
        }
        mx_plan_names_add(names, &name);
    }
    return true;
}

static bool check_hosts(const struct move *move)
{
    const char *wrong = NULL;
    if (move->add.count + move->remove.count == 0) {
        wrong = "name the hosts with --add and --remove";
    }
    for (size_t i = 0; i < move->add.count; i++) {
        if (mx_plan_names_have(&move->remove, dns_name_bytes(&move->add.items[i]))) {
            wrong = "a host is to be added and removed; name it once";
        }
    }
    if (wrong != NULL) {
        (void)invocation_usage(move->invocation, "%s", wrong);
    }
    return wrong == NULL;
}

/* --- The plan --- */

/* At the end of a move it is so; at its beginning it is a typing error. */
static void tell_unknown_hosts(const struct mx_plan *plan)
{
    const struct mx_move_facts *facts = &plan->facts;
    for (size_t i = 0; facts->policy != NULL && i < facts->remove_count; i++) {
        if (!mx_move_knows(facts, &facts->remove[i])) {
            fprintf(stderr,
                    "%s is neither an MX of %.*s nor in its policy: there is nothing to remove; "
                    "look whether the name is right\n",
                    facts->remove[i].text, BYTES_ARG(plan->view.entry->name));
        }
    }
}

/* By what stands now. False: told. */
static bool open_plan(struct move *move)
{
    struct error e;
    close_plan(move);
    if (!open_workspace(move->invocation, &move->workspace)) {
        return false;
    }
    move->question = (struct mx_plan_question){
        .workspace = &move->workspace,
        .resolver = move->resolver,
        .domain = move->invocation->arguments[0],
        .add = &move->add,
        .remove = &move->remove,
        .now_s = clock_wall_s(),
    };
    bool ok = mx_plan_make(&move->question, &move->plan, &e) || tell(&e);
    if (ok) {
        tell_unknown_hosts(&move->plan);
    }
    if (move->plan.record_unknown != NULL) {
        fprintf(stderr, "%s\n", move->plan.record_unknown);
    }
    return ok;
}

/* --- --apply --- */

/* Of the policy that is to be announced. */
static bool add_record(const struct catalogue_view *view, void *context)
{
    struct move *move = context;
    const struct catalogue_view *mine = &move->plan.view;
    bool shared = mine->shared != NULL;
    if (shared ? view->shared == mine->shared : view->entry == mine->entry) {
        bool one = shared && move->workspace.settings->dns_delegate != NULL;
        record_output_add(&move->output, view, one ? RECORDS_OF_SHARED : RECORDS_OF_ID,
                          catalogue_view_id(view));
    }
    return true;
}

/* The record goes to stdout, or into DNS. False: told. */
static bool put_record(struct move *move)
{
    catalogue_each(move->workspace.catalogue, add_record, move);
    bool ok = record_output_end(&move->output) == COMMAND_DONE;
    return (!move->output.publishes || record_output_publish(&move->output)) && ok;
}

/* False: told. */
static bool do_step(struct move *move, int *ret_code)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct mx_step step = mx_step_do(&move->plan, &d);
    diagnostics_print(&d, stderr);
    if (step.changed) {
        fprintf(stderr, "%s: id %s\n", SAFE_TEXT(step.path), step.id.text);
    } else if (step.outcome == MX_STEP_REFUSED) {
        (void)tell(&step.why);
    }
    *ret_code = step.outcome == MX_STEP_DONE ? COMMAND_DONE : COMMAND_NO;
    return step.outcome != MX_STEP_FAILED;
}

static int apply(struct move *move)
{
    bool json = invocation_has(move->invocation, "json");
    enum mx_move_step step = move->plan.move.next;
    int code = COMMAND_DONE;
    if (!record_output_open(&move->output, move->invocation, move->settings, RECORDS_UNGATED) ||
        !do_step(move, &code) || !open_plan(move)) {
        return COMMAND_FAILED;
    }
    if (mx_plan_is_record_next(&move->plan) && !json) {
        bool publishes = move->output.publishes;
        bool put = put_record(move);
        record_output_close(&move->output);
        move->output = (struct record_output){0};
        if (!put || (publishes && !open_plan(move))) {
            return COMMAND_FAILED;
        }
        code = publishes ? COMMAND_DONE : code;
    }
    if (json) {
        bool applied = code == COMMAND_DONE && step != MX_MOVE_STEPS;
        mx_plan_view_print_json(&move->plan, applied ? mx_move_step_name(step) : NULL, stdout);
    } else {
        mx_plan_view_tell_next(&move->plan);
    }
    return code;
}

int cmd_plan_mx(const struct invocation *invocation)
{
    struct error e;
    CLEANUP(clear) struct move move = {.invocation = invocation};
    if (!read_hosts(invocation, "add", &move.add) ||
        !read_hosts(invocation, "remove", &move.remove) || !check_hosts(&move)) {
        return COMMAND_USAGE;
    }
    move.settings = open_settings(invocation);
    if (move.settings == NULL ||
        !(open_resolver(invocation, move.settings, &move.resolver, &e) || tell(&e)) ||
        !open_plan(&move)) {
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "apply")) {
        return apply(&move);
    }
    if (invocation_has(invocation, "json")) {
        mx_plan_view_print_json(&move.plan, NULL, stdout);
    } else {
        mx_plan_view_print(&move.plan, stdout);
    }
    return COMMAND_DONE;
}
