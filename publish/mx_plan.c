#include "mx_plan.h"

#include "lib/dns/lookup.h"
#include "lib/dns/mx_survey.h"
#include "policies/model/sts_record.h"

void mx_plan_names_add(struct mx_plan_names *names, const struct dns_name *name)
{
    ARRAY_GROW(names->items, names->count, names->capacity);
    names->items[names->count++] = *name;
}

bool mx_plan_names_have(const struct mx_plan_names *names, struct bytes name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(dns_name_bytes(&names->items[i]), name)) {
            return true;
        }
    }
    return false;
}

static bool look_up_hosts(struct mx_plan *plan, struct error *e)
{
    CLEANUP(dns_mx_set_clear) struct dns_mx_set mx = {0};
    struct bytes domain = plan->view.entry->name;
    if (!mx_survey_one(plan->question->resolver, domain, &mx, e)) {
        return error_prefix(e, "the MX records of %.*s: ", BYTES_ARG(domain));
    }
    for (size_t i = 0; i < mx.count; i++) {
        mx_plan_names_add(&plan->hosts, &mx.items[i].host);
    }
    return true;
}

static void look_up_record(struct mx_plan *plan)
{
    struct error e;
    struct mx_move_facts *facts = &plan->facts;
    CLEANUP(dns_txt_set_clear) struct dns_txt_set set = {0};
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%.*s", BYTES_ARG(plan->view.entry->name));
    facts->record_is_known = dns_lookup_txt(plan->question->resolver, bytes_of(name), &set, &e) ||
                             e.code == ERROR_NOT_FOUND;
    struct sts_record record;
    struct error ignored;
    facts->record_is_current = sts_record_choose(set.items, set.count, &record, &ignored) &&
                               bytes_equal(record.id, bytes_of(plan->id.text));
    if (!facts->record_is_known) {
        plan->record_unknown =
            memory_printf("Whether %s stands in DNS is not known: %s", name, e.text);
    }
}

static void find_id(struct mx_plan *plan)
{
    const struct catalogue_view *view = &plan->view;
    struct bytes id = catalogue_view_id(view);
    enum policy_id_state state = policy_id_judge(id, view->policy);
    plan->facts.id_is_current =
        state == POLICY_ID_CURRENT ||
        (state == POLICY_ID_ABSENT && plan->question->workspace->settings->ids_derived);
    policy_id_for_record(id, view->policy, &plan->id);
}

static void add_held(struct mx_plan *plan, const struct policy *policy, int64_t until_s)
{
    plan->held[plan->facts.held_count++] = (struct mx_move_held){policy, until_s};
}

/* Whether the id says since when the policy stands. */
static bool is_dated(const struct mx_plan *plan, int64_t *ret_since_s)
{
    const struct catalogue_view *view = &plan->view;
    struct bytes id = catalogue_view_id(view);
    return policy_id_judge(id, view->policy) == POLICY_ID_CURRENT &&
           policy_id_time(id, ret_since_s);
}

/* Where nothing is remembered: the id says since when the policy stands; what it replaced is taken
 * to have had the same max_age. */
static int64_t guess_held_until_s(const struct mx_plan *plan)
{
    int64_t since_s = 0;
    return (is_dated(plan, &since_s) ? since_s : plan->facts.now_s) + plan->view.policy->max_age_s;
}

static void ask_history(struct mx_plan *plan)
{
    CLEANUP_FREE char *domain = memory_string_of(plan->view.entry->name);
    const struct served_question question = {
        .subject = domain, .domain = domain, .policy = plan->view.policy};
    struct served_answer *answer = &plan->answer;
    struct mx_move_facts *facts = &plan->facts;
    plan->history.control = settings_control(plan->question->workspace->settings);
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
    int64_t ignored_s = 0;
    bool only_this =
        !answer->known && plan->view.policy->mode == POLICY_ENFORCE && is_dated(plan, &ignored_s);
    if (!plan->known || only_this) {
        facts->held_until_s = guess_held_until_s(plan);
    } else if (!answer->listed || answer->held_count >= SERVED_HELD_MAX) {
        facts->held_until_s = answer->held_until_s;
    }
    facts->held = plan->held;
}

static bool is_editable(const struct catalogue_view *view, struct error *e)
{
    return view->shared == NULL || view->shared->mirror == NULL ||
           error_set(e, ERROR_CONFLICT,
                     "%.*s uses the policy %.*s, a mirror of %s: the provider says which hosts it "
                     "names; give the domain a policy of its own to move it",
                     BYTES_ARG(view->entry->name), BYTES_ARG(view->shared->name),
                     view->shared->mirror->domain.text);
}

bool mx_plan_make(const struct mx_plan_question *question, struct mx_plan *ret_plan,
                  struct error *e)
{
    struct mx_plan *plan = ret_plan;
    *plan = (struct mx_plan){.question = question, .facts.now_s = question->now_s};
    if (!workspace_find(question->workspace, question->domain, &plan->view, e) ||
        !is_editable(&plan->view, e) || !look_up_hosts(plan, e)) {
        return false;
    }
    shared_users_collect(question->workspace->catalogue, &plan->users);
    find_id(plan);
    look_up_record(plan);
    ask_history(plan);
    struct mx_move_facts *facts = &plan->facts;
    facts->add = question->add->items;
    facts->add_count = question->add->count;
    facts->remove = question->remove->items;
    facts->remove_count = question->remove->count;
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
    free(plan->record_unknown);
    *plan = (struct mx_plan){0};
}

const struct shared_user *mx_plan_user(const struct mx_plan *plan)
{
    return plan->view.shared != NULL ? shared_users_find(&plan->users, plan->view.shared->name)
                                     : NULL;
}
