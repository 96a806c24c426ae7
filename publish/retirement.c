#include "retirement.h"

#include "policies/files/policy_change.h"
#include "publish/workspace.h"

void retiring_clear(struct retiring *retiring)
{
    served_history_clear(&retiring->history);
    leaving_list_clear(&retiring->leaving);
    free(retiring->leaving_unknown);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t held_from_now(const struct retiring *retiring, const struct policy *policy)
{
    return policy != NULL && policy->mode != POLICY_NONE ? retiring->now_s + policy->max_age_s : 0;
}

static const struct leaving_item *find_leaving(struct retiring *retiring, struct bytes domain)
{
    struct error e;
    if (!retiring->leaving_asked) {
        retiring->leaving_asked = true;
        if (!leaving_list_ask(retiring->settings, &retiring->leaving, &e)) {
            retiring->leaving_unknown = memory_string(e.text);
        }
    }
    for (size_t i = 0; i < retiring->leaving.count; i++) {
        if (bytes_equal(bytes_of(retiring->leaving.items[i].domain), domain)) {
            return &retiring->leaving.items[i];
        }
    }
    return NULL;
}

/* Of one that serves mode none already. */
static void find_day_before(struct retiring *retiring, struct bytes domain,
                            struct retirement *retirement)
{
    const struct leaving_item *item = find_leaving(retiring, domain);
    retirement->known = item != NULL && item->known;
    retirement->until_s = item != NULL ? item->until_s : 0;
}

/* The latest over all texts of another mode. */
static void find_day(struct retiring *retiring, const struct catalogue_view *view,
                     const struct policy *retired, struct retirement *retirement)
{
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct served_question question = {
        .subject = domain, .domain = domain, .policy = retired};
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&retiring->history, &question, &answer);
    int64_t until_s = held_from_now(retiring, answer.serving);
    for (size_t i = 0; i < answer.held_count; i++) {
        if (answer.held[i].policy->mode != POLICY_NONE) {
            until_s = later(until_s, answer.held[i].until_s);
        }
    }
    retirement->known = answer.known;
    retirement->until_s =
        answer.known ? until_s : later(until_s, held_from_now(retiring, view->policy));
}

/* No longer than it was. */
static uint32_t wanted_max_age_s(const struct retiring *retiring, const struct policy *before)
{
    if (retiring->max_age_s >= 0) {
        return (uint32_t)retiring->max_age_s;
    }
    return before->max_age_s < RETIREMENT_MAX_AGE_S ? before->max_age_s : RETIREMENT_MAX_AGE_S;
}

bool retirement_make(struct retiring *retiring, const struct catalogue_view *view,
                     struct retirement *ret_retirement, struct diagnostics *d)
{
    const struct policy_edit edit = {
        .section = ID_EDIT_DOMAINS,
        .name = view->entry->name,
        .basis = view->policy,
        .basis_tlsrpt = view->shared != NULL ? view->shared->tlsrpt : BYTES(""),
        .set_mode = true,
        .mode = POLICY_NONE,
        .set_max_age = true,
        .max_age_s = wanted_max_age_s(retiring, view->policy),
    };
    const struct policy_change change = {
        .edit = &edit,
        .defaults = workspace_defaults(retiring->settings),
        .ids_derived = retiring->settings->ids_derived,
        .path = view->path,
        .now_s = retiring->now_s,
        .write = retiring->write,
    };
    CLEANUP(policy_changed_clear) struct policy_changed changed = {0};
    if (!policy_change_make(&change, &changed, d)) {
        return false;
    }
    *ret_retirement =
        (struct retirement){.changed = changed.text, .max_age_s = edit.max_age_s, .id = changed.id};
    if (view->policy->mode == POLICY_NONE) {
        find_day_before(retiring, view->entry->name, ret_retirement);
    } else {
        find_day(retiring, view, changed.policy, ret_retirement);
    }
    return true;
}
