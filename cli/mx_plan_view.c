#include "mx_plan_view.h"

#include <string.h>

#include <jansson.h>

#include "cli/json_view.h"
#include "cli/table.h"
#include "lib/base/safe_json.h"
#include "lib/base/time_text.h"

enum { STATE_WIDTH = 8, STEP_WIDTH = 9, PATTERNS_OCTETS = 65536 };

/* "a, b"; the caller frees it. */
static char *join(const struct dns_name *names, size_t count)
{
    char *list = memory_string("");
    for (size_t i = 0; i < count; i++) {
        CLEANUP_FREE char *before = list;
        list = memory_printf("%s%s%s", before, i == 0 ? "" : ", ", names[i].text);
    }
    return list;
}

/* "the policy of 3 domains"; the caller frees it. */
static char *policy_text(const struct mx_plan *plan)
{
    const struct shared_user *user = mx_plan_user(plan);
    return user != NULL && plan->view.shared != NULL
               ? memory_printf("the shared policy %.*s (%zu domain%s)",
                               BYTES_ARG(plan->view.shared->name), user->domains,
                               user->domains == 1 ? "" : "s")
               : memory_string("the policy");
}

static char *wait_text(const struct mx_plan *plan, const char *add)
{
    const struct mx_move_facts *facts = &plan->facts;
    int64_t until_s = plan->move.switch_s;
    if (until_s <= facts->now_s) {
        return memory_printf("no sender holds a policy of mode enforce that lacks %s", add);
    }
    bool unserved = plan->answer.serving != NULL && plan->move.steps[MX_MOVE_WIDEN] == MX_MOVE_DONE;
    return memory_printf(
        "%s %s (%s) senders may hold a policy that lacks %s%s%s%s",
        plan->move.steps[MX_MOVE_WIDEN] == MX_MOVE_DONE ? "until" : "were it done now, until",
        time_text_moment(until_s).text, time_text_from_now(until_s, facts->now_s).text, add,
        plan->known ? "" : " (no history: by the id and max_age in the files)",
        unserved ? "; the running server does not serve this one yet" : "",
        plan->move.switched_early ? "; the MX was moved too early: put the old hosts back beside it"
                                  : "");
}

static char *switch_text(const struct mx_plan *plan, const char *add, const char *removed)
{
    struct bytes domain = plan->view.entry->name;
    return memory_printf(
        "in DNS, the MX of %.*s: %s%s%s%s%s%s", BYTES_ARG(domain), add[0] != '\0' ? "add " : "",
        add, add[0] != '\0' && removed[0] != '\0' ? ", " : "", removed[0] != '\0' ? "remove " : "",
        removed, removed[0] != '\0' ? "; then wait for the TTL of the old MX records" : "");
}

static char *record_text(const struct mx_plan *plan, bool now)
{
    const struct mx_move_facts *facts = &plan->facts;
    struct bytes domain = plan->view.entry->name;
    if (!now) {
        return memory_printf("a new id, and its record _mta-sts.%.*s into DNS", BYTES_ARG(domain));
    }
    return facts->id_is_current
               ? memory_printf("the record _mta-sts.%.*s with id %s into DNS", BYTES_ARG(domain),
                               plan->id.text)
               : memory_printf("the policy has no id of its own text: a new id, and its record "
                               "_mta-sts.%.*s into DNS",
                               BYTES_ARG(domain));
}

static void append_pattern(struct bytes pattern, void *context)
{
    struct buffer *list = context;
    buffer_printf(list, "%s%.*s", list->n != 0 ? ", " : "", BYTES_ARG(pattern));
}

/* A star that lets in an old host stays where other MX hosts need it: then the text says so. */
static char *narrow_text(const struct mx_plan *plan, const char *policy, const char *removed)
{
    const struct mx_move_facts *facts = &plan->facts;
    CLEANUP(buffer_clear) struct buffer gone = BUFFER(PATTERNS_OCTETS);
    mx_move_each_narrowed(facts, append_pattern, &gone);
    for (size_t i = 0; gone.n == 0 && i < facts->remove_count; i++) {
        if (mx_move_policy_covers(facts->policy, dns_name_bytes(&facts->remove[i]))) {
            return memory_printf("%s allows %s still, by a pattern that other MX hosts need",
                                 policy, facts->remove[i].text);
        }
    }
    return memory_printf("%s no longer has %.*s, once the old MX records have left all caches",
                         policy, gone.n != 0 ? (int)gone.n : (int)strlen(removed),
                         gone.n != 0 ? buffer_bytes(&gone).p : removed);
}

static char *step_text(const struct mx_plan *plan, enum mx_move_step step)
{
    const struct mx_move_facts *facts = &plan->facts;
    CLEANUP_FREE char *add = join(facts->add, facts->add_count);
    CLEANUP_FREE char *removed = join(facts->remove, facts->remove_count);
    CLEANUP_FREE char *policy = policy_text(plan);
    bool past_widen = plan->move.steps[MX_MOVE_WIDEN] == MX_MOVE_DONE;
    bool past_narrow = plan->move.steps[MX_MOVE_NARROW] == MX_MOVE_DONE;
    switch (step) {
    case MX_MOVE_WIDEN:
        return memory_printf("%s allows %s%s%s", policy, add,
                             add[0] != '\0' && removed[0] != '\0' ? " beside " : "", removed);
    case MX_MOVE_ANNOUNCE:
        return record_text(plan, past_widen && !past_narrow);
    case MX_MOVE_WAIT:
        return wait_text(plan, add);
    case MX_MOVE_SWITCH:
        return switch_text(plan, add, removed);
    case MX_MOVE_NARROW:
        return narrow_text(plan, policy, removed);
    case MX_MOVE_CONCLUDE:
    case MX_MOVE_STEPS:
        break;
    }
    return record_text(plan, past_narrow);
}

void mx_plan_view_print(const struct mx_plan *plan, FILE *out)
{
    const struct shared_user *user = mx_plan_user(plan);
    fprintf(out, "%.*s: mode %s, max_age %s", BYTES_ARG(plan->view.entry->name),
            policy_mode_name(plan->view.policy->mode),
            time_text_span(plan->view.policy->max_age_s).text);
    if (user != NULL) {
        fprintf(out, ", shared policy %.*s: what changes in it changes for ",
                BYTES_ARG(plan->view.shared->name));
        CLEANUP_FREE char *users = shared_user_text(user);
        fputs(users, out);
    }
    fputc('\n', out);
    for (int i = 0; i < MX_MOVE_STEPS; i++) {
        enum mx_move_state state = plan->move.steps[i];
        if (state != MX_MOVE_NOT_NEEDED) {
            CLEANUP_FREE char *text = step_text(plan, (enum mx_move_step)i);
            const struct table_cell cells[] = {
                {mx_move_state_name(state), STATE_WIDTH},
                {mx_move_step_name((enum mx_move_step)i), STEP_WIDTH},
                {text, 0}};
            table_print_line(out, "  ", cells);
        }
    }
    if (plan->view.policy->mode == POLICY_NONE) {
        fprintf(out, "  mode none asks for nothing: no date but those of older policies counts\n");
    }
}

/* Nothing from the switch on may come before the date. */
static json_t *not_before(const struct mx_plan *plan, enum mx_move_step step)
{
    enum mx_move_state state = plan->move.steps[step];
    bool dated =
        step >= MX_MOVE_SWITCH && state != MX_MOVE_DONE && plan->move.switch_s > plan->facts.now_s;
    return json_view_time(dated ? plan->move.switch_s : 0);
}

static json_t *steps_json(const struct mx_plan *plan)
{
    json_t *steps = json_array();
    for (int i = 0; i < MX_MOVE_STEPS; i++) {
        enum mx_move_step step = (enum mx_move_step)i;
        CLEANUP_FREE char *text = step_text(plan, step);
        json_array_append_new(steps, json_pack("{s:s,s:s,s:o,s:s}", "step", mx_move_step_name(step),
                                               "state", mx_move_state_name(plan->move.steps[i]),
                                               "not_before", not_before(plan, step), "text", text));
    }
    return steps;
}

void mx_plan_view_print_json(const struct mx_plan *plan, const char *applied, FILE *out)
{
    const struct shared_user *user = mx_plan_user(plan);
    const struct catalogue_view *view = &plan->view;
    bool waits = plan->move.switch_s > plan->facts.now_s;
    json_t *all = json_pack(
        "{s:s%,s:o,s:I,s:b,s:s?,s:s?,s:o,s:o}", "domain", view->entry->name.p, view->entry->name.n,
        "policy",
        view->shared != NULL ? json_stringn(view->shared->name.p, view->shared->name.n)
                             : json_null(),
        "domains", (json_int_t)(user != NULL ? user->domains : 1), "history", plan->known, "next",
        plan->move.next != MX_MOVE_STEPS ? mx_move_step_name(plan->move.next) : NULL, "applied",
        applied, "switch_after", json_view_time(waits ? plan->move.switch_s : 0), "steps",
        steps_json(plan));
    json_view_print(all, out);
}

void mx_plan_view_tell_next(const struct mx_plan *plan)
{
    enum mx_move_step next = plan->move.next;
    mx_plan_view_print(plan, stderr);
    if (next == MX_MOVE_STEPS) {
        fprintf(stderr, "All is done.\n");
    } else {
        CLEANUP_FREE char *text = step_text(plan, next);
        fprintf(stderr, "Next: %s\n", text);
    }
}
