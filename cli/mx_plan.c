#include "mx_plan.h"

#include <stdio.h>

#include "cli/mx_survey.h"
#include "lib/base/clock.h"
#include "lib/dns/lookup.h"
#include "policies/model/sts_record.h"

static void add_host(struct mx_plan_names *hosts, const struct dns_name *host)
{
    ARRAY_GROW(hosts->items, hosts->count, hosts->capacity);
    hosts->items[hosts->count++] = *host;
}

static bool look_up_hosts(struct mx_plan *plan, const struct dns_resolver *resolver)
{
    struct error e;
    CLEANUP(dns_mx_set_clear) struct dns_mx_set mx = {0};
    struct bytes domain = plan->view.entry->name;
    if (!mx_survey_one(resolver, domain, &mx, &e)) {
        fprintf(stderr, "mtasts-host: the MX records of %.*s: %s\n", BYTES_ARG(domain), e.text);
        return false;
    }
    for (size_t i = 0; i < mx.count; i++) {
        add_host(&plan->hosts, &mx.items[i].host);
    }
    return true;
}

static void look_up_record(struct mx_plan *plan, const struct dns_resolver *resolver)
{
    struct error e;
    struct mx_move_facts *facts = &plan->facts;
    CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%.*s", BYTES_ARG(plan->view.entry->name));
    facts->record_is_known =
        dns_lookup_txt(resolver, bytes_of(name), &set, &e) || e.code == ERROR_NOT_FOUND;
    struct sts_record record;
    struct error ignored;
    facts->record_is_current = sts_record_choose(set.items, set.count, &record, &ignored) &&
                               bytes_equal(record.id, bytes_of(plan->id.text));
    if (!facts->record_is_known) {
        fprintf(stderr, "Whether %s stands in DNS is not known: %s\n", name, e.text);
    }
}

static void find_id(struct mx_plan *plan)
{
    const struct catalogue_view *view = &plan->view;
    struct bytes id = view->shared != NULL ? view->shared->id : view->entry->id;
    enum policy_id_state state = policy_id_judge(id, view->policy);
    plan->facts.id_is_current =
        state == POLICY_ID_CURRENT ||
        (state == POLICY_ID_ABSENT && plan->workspace.settings->ids_derived);
    policy_id_for_record(id, view->policy, &plan->id);
}

static void add_held(struct mx_plan *plan, const struct policy *policy, int64_t until_s)
{
    plan->held[plan->facts.held_count++] = (struct mx_move_held){policy, until_s};
}

/* Whether the id says since when the policy stands. */
static bool is_dated(const struct mx_plan *plan)
{
    const struct catalogue_view *view = &plan->view;
    struct bytes id = view->shared != NULL ? view->shared->id : view->entry->id;
    int64_t ignored_s = 0;
    return policy_id_judge(id, view->policy) == POLICY_ID_CURRENT && policy_id_time(id, &ignored_s);
}

/* Where nothing is remembered: the id says since when the policy stands; what it replaced is taken
 * to have had the same max_age. */
static int64_t guess_held_until_s(const struct mx_plan *plan)
{
    const struct catalogue_view *view = &plan->view;
    struct bytes id = view->shared != NULL ? view->shared->id : view->entry->id;
    int64_t since_s = 0;
    bool dated =
        policy_id_judge(id, view->policy) == POLICY_ID_CURRENT && policy_id_time(id, &since_s);
    return (dated ? since_s : plan->facts.now_s) + view->policy->max_age_s;
}

static void ask_history(struct mx_plan *plan)
{
    CLEANUP_FREE char *domain = memory_string_of(plan->view.entry->name);
    const struct served_question question = {
        .subject = domain, .domain = domain, .policy = plan->view.policy};
    struct served_answer *answer = &plan->answer;
    struct mx_move_facts *facts = &plan->facts;
    plan->history.control = plan->workspace.settings->control;
    served_history_ask(&plan->history, &question, answer);
    plan->known = answer->reached && (answer->known || (answer->current && answer->whole));
    plan->held = memory_zero(answer->held_count + 1, sizeof(plan->held[0]));
    for (size_t i = 0; i < answer->held_count; i++) {
        add_held(plan, answer->held[i].policy, answer->held[i].until_s);
    }
    if (answer->serving != NULL) {
        add_held(plan, answer->serving, facts->now_s + answer->serving->max_age_s);
    }
    /* It serves this text and remembers no other: its memory may have begun with it, and what it
     * replaced was served by somebody else, or before the state was lost. */
    bool only_this = !answer->known && plan->view.policy->mode == POLICY_ENFORCE && is_dated(plan);
    if (!plan->known || only_this) {
        facts->held_until_s = guess_held_until_s(plan);
    } else if (!answer->listed || answer->held_count >= SERVED_HELD_MAX) {
        facts->held_until_s = answer->held_until_s;
    }
    facts->held = plan->held;
}

static bool is_editable(const struct catalogue_view *view)
{
    if (view->shared == NULL || view->shared->mirror == NULL) {
        return true;
    }
    fprintf(stderr,
            "mtasts-host: %.*s uses the policy %.*s, a mirror of %s: the provider says which hosts "
            "it names; give the domain a policy of its own to move it\n",
            BYTES_ARG(view->entry->name), BYTES_ARG(view->shared->name),
            view->shared->mirror->domain.text);
    return false;
}

bool mx_plan_open(const struct invocation *invocation, const struct dns_resolver *resolver,
                  const struct mx_plan_names *add, const struct mx_plan_names *remove,
                  struct mx_plan *ret_plan)
{
    struct mx_plan *plan = ret_plan;
    *plan = (struct mx_plan){.facts.now_s = clock_wall_s()};
    if (!workspace_open(invocation, &plan->workspace) ||
        !workspace_find(&plan->workspace, invocation->arguments[0], &plan->view) ||
        !is_editable(&plan->view) || !look_up_hosts(plan, resolver)) {
        return false;
    }
    shared_users_collect(plan->workspace.catalogue, &plan->users);
    find_id(plan);
    look_up_record(plan, resolver);
    ask_history(plan);
    struct mx_move_facts *facts = &plan->facts;
    facts->add = add->items;
    facts->add_count = add->count;
    facts->remove = remove->items;
    facts->remove_count = remove->count;
    facts->policy = plan->view.policy;
    facts->hosts = plan->hosts.items;
    facts->host_count = plan->hosts.count;
    mx_move_find(facts, &plan->move);
    return true;
}

void mx_plan_clear(struct mx_plan *plan)
{
    served_answer_clear(&plan->answer);
    served_history_clear(&plan->history);
    shared_users_clear(&plan->users);
    free(plan->hosts.items);
    free(plan->held);
    workspace_clear(&plan->workspace);
    *plan = (struct mx_plan){0};
}

const struct shared_user *mx_plan_user(const struct mx_plan *plan)
{
    return plan->view.shared != NULL ? shared_users_find(&plan->users, plan->view.shared->name)
                                     : NULL;
}
