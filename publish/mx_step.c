#include "mx_step.h"

#include <string.h>

#include "lib/dns/mx_survey.h"
#include "policies/files/policy_change.h"
#include "policies/model/mx_pattern.h"

/* --- Who else would lose a host --- */

struct survey {
    const struct mx_plan *plan;
    const struct mx_plan_names *remove; /* patterns */
    struct catalogue_view *views;       /* of the others */
    size_t count;
    size_t capacity;
    size_t users; /* of a host that is to go, or nobody can tell */
    struct bytes first[MX_STEP_SHARED_NAMED];
};

static bool collect_other(const struct catalogue_view *view, void *context)
{
    struct survey *survey = context;
    const struct catalogue_view *mine = &survey->plan->view;
    if (view->shared == mine->shared && view->entry != mine->entry) {
        ARRAY_GROW(survey->views, survey->count, survey->capacity);
        survey->views[survey->count++] = *view;
    }
    return true;
}

static struct bytes other_domain(size_t number, void *context)
{
    const struct survey *survey = context;
    return survey->views[number].entry->name;
}

static void look_at_other(size_t number, const struct dns_mx_set *mx, const struct error *e,
                          void *context)
{
    struct survey *survey = context;
    const struct mx_plan_names *remove = survey->remove;
    /* A domain that is not there gets no mail; of one whose servers do not answer now nobody knows
     * where its mail goes. */
    bool uses = mx == NULL && e->code != ERROR_NOT_FOUND;
    for (size_t i = 0; mx != NULL && i < mx->count; i++) {
        for (size_t j = 0; j < remove->count; j++) {
            uses = uses || mx_pattern_covers(dns_name_bytes(&remove->items[j]),
                                             dns_name_bytes(&mx->items[i].host));
        }
    }
    if (uses && survey->users++ < MX_STEP_SHARED_NAMED) {
        survey->first[survey->users - 1] = survey->views[number].entry->name;
    }
}

static bool error_users(const struct survey *survey, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer names = BUFFER(2048);
    for (size_t i = 0; i < survey->users && i < MX_STEP_SHARED_NAMED; i++) {
        buffer_printf(&names, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(survey->first[i]));
    }
    return error_set(
        e, ERROR_CONFLICT,
        "the policy cannot be narrowed: of its domains %zu still %s these hosts as MX, "
        "or nobody can tell now (%.*s%s); move them first",
        survey->users, survey->users == 1 ? "has" : "have", BYTES_ARG(buffer_bytes(&names)),
        survey->users > MX_STEP_SHARED_NAMED ? ", ..." : "");
}

/* Whether REMOVE may go out of the policy, as far as the other domains on it are concerned. */
static bool others_have_switched(const struct mx_plan *plan, const struct mx_plan_names *remove,
                                 struct error *e)
{
    const struct workspace *workspace = plan->question->workspace;
    const struct shared_user *user = mx_plan_user(plan);
    if (user != NULL && workspace->diagnostics.errors != 0) {
        return error_set(e, ERROR_CONFLICT,
                         "the policy cannot be narrowed while policy files are in error: their "
                         "domains are served and may use it; mend them first");
    }
    if (user == NULL || user->domains == 1) {
        return true;
    }
    if (user->domains > MX_STEP_SHARED_LOOKED_AT) {
        return error_set(e, ERROR_LIMIT,
                         "%zu domains use this shared policy, more than the %d whose MX records "
                         "are looked at: see with \"mtasts-host lint --live\" that none has these "
                         "hosts any more, and edit the policy",
                         user->domains, MX_STEP_SHARED_LOOKED_AT);
    }
    struct survey survey = {.plan = plan, .remove = remove};
    catalogue_each(workspace->catalogue, collect_other, &survey);
    mx_survey_run(&(struct mx_survey){
        .resolver = plan->question->resolver,
        .count = survey.count,
        .domain = other_domain,
        .take = look_at_other,
        .context = &survey,
    });
    free(survey.views);
    return survey.users == 0 || error_users(&survey, e);
}

/* --- The edit --- */

static enum mx_step_outcome change_policy(const struct mx_plan *plan,
                                          const struct mx_plan_names *add,
                                          const struct mx_plan_names *remove, struct mx_step *step,
                                          struct diagnostics *d)
{
    const struct catalogue_view *view = &plan->view;
    const struct settings *settings = plan->question->workspace->settings;
    const struct policy_edit edit = {
        .section = view->shared != NULL ? ID_EDIT_POLICIES : ID_EDIT_DOMAINS,
        .name = view->shared != NULL ? view->shared->name : view->entry->name,
        .mx_add = add->items,
        .mx_add_count = add->count,
        .mx_remove = remove->items,
        .mx_remove_count = remove->count,
    };
    const struct policy_change change = {
        .edit = &edit,
        .defaults = workspace_defaults(settings),
        .ids_derived = settings->ids_derived,
        .path = view->shared != NULL ? view->shared_path : view->path,
        .now_s = plan->facts.now_s,
        .write = true,
    };
    CLEANUP(policy_changed_clear) struct policy_changed changed = {0};
    step->changed = policy_change_make(&change, &changed, d);
    step->path = change.path;
    step->id = changed.id;
    return step->changed ? MX_STEP_DONE : MX_STEP_FAILED;
}

static void add_missing(const struct dns_name *name, void *context)
{
    mx_plan_names_add(context, name);
}

static enum mx_step_outcome widen(const struct mx_plan *plan, struct mx_step *step,
                                  struct diagnostics *d)
{
    const struct mx_plan_names none = {0};
    struct mx_plan_names missing = {0};
    mx_move_each_missing(&plan->facts, add_missing, &missing);
    enum mx_step_outcome outcome = change_policy(plan, &missing, &none, step, d);
    free(missing.items);
    return outcome;
}

static void add_narrowed(struct bytes pattern, void *context)
{
    struct dns_name name = {.n = (unsigned char)pattern.n};
    memcpy(name.text, pattern.p, pattern.n); /* at most 253 octets (policies/model/mx_pattern.h) */
    mx_plan_names_add(context, &name);
}

static enum mx_step_outcome narrow(const struct mx_plan *plan, struct mx_step *step,
                                   struct diagnostics *d)
{
    const struct mx_plan_names none = {0};
    struct mx_plan_names gone = {0};
    mx_move_each_narrowed(&plan->facts, add_narrowed, &gone);
    enum mx_step_outcome outcome = others_have_switched(plan, &gone, &step->why)
                                       ? change_policy(plan, &none, &gone, step, d)
                                       : MX_STEP_REFUSED;
    free(gone.items);
    return outcome;
}

struct mx_step mx_step_do(const struct mx_plan *plan, struct diagnostics *d)
{
    const struct mx_plan_names none = {0};
    struct mx_step step = {.outcome = MX_STEP_NOTHING};
    if (plan->move.next == MX_MOVE_STEPS) {
        step.outcome = MX_STEP_DONE;
    } else if (plan->move.next == MX_MOVE_WIDEN) {
        step.outcome = widen(plan, &step, d);
    } else if (plan->move.next == MX_MOVE_NARROW) {
        step.outcome = narrow(plan, &step, d);
    } else if (mx_plan_is_record_next(plan) && !plan->facts.id_is_current) {
        step.outcome = change_policy(plan, &none, &none, &step, d);
    }
    return step;
}
