/* plan mx: the steps of moving a domain's MX, each at its time (RFC 8461 §8.1). What is done is
 * seen in what stands, so that a second run goes on where the first one ended. */
#include <stdio.h>

#include "cli/changed_records.h"
#include "cli/dns_choice.h"
#include "cli/mx_plan_view.h"
#include "cli/mx_survey.h"
#include "cli/policy_change.h"
#include "lib/base/safe_text.h"
#include "policies/model/mx_pattern.h"

enum { HOSTS_MAX = 64, SHARED_LOOKED_AT = 10000, SHARED_NAMED = 5 };

struct move {
    const struct invocation *invocation;
    struct mx_plan_names add;
    struct mx_plan_names remove;
    struct dns_resolver *resolver;
    struct mx_plan plan;
    char *subject; /* the shared policy whose record changed, or NULL */
    struct dns_name domain;
};

static void clear(struct move *move)
{
    mx_plan_clear(&move->plan);
    dns_resolver_free(move->resolver);
    free(move->add.items);
    free(move->remove.items);
    free(move->subject);
}

static void add_name(struct mx_plan_names *names, const struct dns_name *name)
{
    ARRAY_GROW(names->items, names->count, names->capacity);
    names->items[names->count++] = *name;
}

static bool has_name(const struct mx_plan_names *names, struct bytes name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(dns_name_bytes(&names->items[i]), name)) {
            return true;
        }
    }
    return false;
}

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
        add_name(names, &name);
    }
    return true;
}

static bool is_both(const struct move *move)
{
    for (size_t i = 0; i < move->add.count; i++) {
        if (has_name(&move->remove, dns_name_bytes(&move->add.items[i]))) {
            return true;
        }
    }
    return false;
}

/* --- Who else would lose a host --- */

struct others {
    const struct move *move;
    struct catalogue_view *views;
    size_t count;
    size_t capacity;
    size_t users; /* of a host that is to go, or nobody can tell */
    struct bytes first[SHARED_NAMED];
};

static bool collect_other(const struct catalogue_view *view, void *context)
{
    struct others *others = context;
    const struct catalogue_view *mine = &others->move->plan.view;
    if (view->shared != mine->shared || view->entry == mine->entry) {
        return true;
    }
    ARRAY_GROW(others->views, others->count, others->capacity);
    others->views[others->count++] = *view;
    return true;
}

static struct bytes other_domain(size_t number, void *context)
{
    const struct others *others = context;
    return others->views[number].entry->name;
}

static void look_at_other(size_t number, const struct dns_mx_set *mx, const struct error *e,
                          void *context)
{
    struct others *others = context;
    const struct mx_plan_names *remove = &others->move->remove;
    /* A domain that is not there gets no mail; of one whose servers do not answer now nobody knows
     * where its mail goes. */
    bool uses = mx == NULL && e->code != ERROR_NOT_FOUND;
    for (size_t i = 0; mx != NULL && i < mx->count; i++) {
        for (size_t j = 0; j < remove->count; j++) {
            uses = uses || mx_pattern_covers(dns_name_bytes(&remove->items[j]),
                                             dns_name_bytes(&mx->items[i].host));
        }
    }
    if (uses && others->users++ < SHARED_NAMED) {
        others->first[others->users - 1] = others->views[number].entry->name;
    }
}

/* Whether the hosts may go out of the policy, as far as the other domains on it are concerned. */
static bool others_have_switched(const struct move *move)
{
    const struct shared_user *user = mx_plan_user(&move->plan);
    if (user != NULL && move->plan.workspace.diagnostics.errors != 0) {
        fprintf(stderr, "mtasts-host: the policy cannot be narrowed while policy files are in "
                        "error: their domains are served and may use it; mend them first\n");
        return false;
    }
    if (user == NULL || user->domains == 1) {
        return true;
    }
    if (user->domains > SHARED_LOOKED_AT) {
        fprintf(
            stderr,
            "mtasts-host: %zu domains use this shared policy, more than the %d whose MX records "
            "are looked at: see with \"mtasts-host lint --live\" that none has these hosts any "
            "more, and edit the policy\n",
            user->domains, SHARED_LOOKED_AT);
        return false;
    }
    struct others others = {.move = move};
    catalogue_each(move->plan.workspace.catalogue, collect_other, &others);
    mx_survey_run(&(struct mx_survey){
        .resolver = move->resolver,
        .count = others.count,
        .domain = other_domain,
        .take = look_at_other,
        .context = &others,
    });
    if (others.users != 0) {
        fprintf(stderr,
                "mtasts-host: the policy cannot be narrowed: of its domains %zu still %s "
                "these hosts as MX, or nobody can tell now (",
                others.users, others.users == 1 ? "has" : "have");
        for (size_t i = 0; i < others.users && i < SHARED_NAMED; i++) {
            fprintf(stderr, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(others.first[i]));
        }
        fprintf(stderr, "%s); move them first\n", others.users > SHARED_NAMED ? ", ..." : "");
    }
    free(others.views);
    return others.users == 0;
}

/* --- The step that is due --- */

static void add_missing(const struct dns_name *name, void *context)
{
    add_name(context, name);
}

static bool change_policy(struct move *move, const struct mx_plan_names *add,
                          const struct mx_plan_names *remove)
{
    const struct catalogue_view *view = &move->plan.view;
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
        .settings = move->plan.workspace.settings,
        .path = view->shared != NULL ? view->shared_path : view->path,
        .now_s = move->plan.facts.now_s,
        .write = true,
    };
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP(policy_changed_clear) struct policy_changed changed = {0};
    if (!policy_change_make(&change, &changed, &d)) {
        diagnostics_print(&d, stderr);
        return false;
    }
    fprintf(stderr, "%s: id %s\n", SAFE_TEXT(change.path), changed.id.text);
    return true;
}

/* RET_CODE: COMMAND_DONE where something was done. */
static bool do_step(struct move *move, enum mx_move_step step, int *ret_code)
{
    const struct mx_plan_names none = {0};
    bool ours = false;
    bool ok = true;
    if (step == MX_MOVE_WIDEN) {
        struct mx_plan_names missing = {0};
        mx_move_each_missing(&move->plan.facts, add_missing, &missing);
        ours = true;
        ok = change_policy(move, &missing, &none);
        free(missing.items);
    } else if (step == MX_MOVE_NARROW && others_have_switched(move)) {
        ours = true;
        ok = change_policy(move, &none, &move->remove);
    } else if (step == MX_MOVE_ANNOUNCE || step == MX_MOVE_CONCLUDE) {
        ours = !move->plan.facts.id_is_current;
        ok = !ours || change_policy(move, &none, &none);
    }
    *ret_code = ours || step == MX_MOVE_STEPS ? COMMAND_DONE : COMMAND_NO;
    return ok;
}

static bool has_new_record(const struct catalogue_view *view, void *context)
{
    const struct move *move = context;
    return move->subject != NULL
               ? view->shared != NULL && bytes_equal(view->shared->name, bytes_of(move->subject))
               : bytes_equal(view->entry->name, dns_name_bytes(&move->domain));
}

static bool open_plan(struct move *move)
{
    return mx_plan_open(move->invocation, move->resolver, &move->add, &move->remove, &move->plan);
}

/* Whenever the next thing to do is to publish it: the record goes to stdout, or into DNS. */
static bool put_record(struct move *move)
{
    const struct catalogue_view *view = &move->plan.view;
    move->subject = view->shared != NULL ? memory_string_of(view->shared->name) : NULL;
    struct error ignored;
    return dns_name_normalise(view->entry->name, &move->domain, &ignored) &&
           changed_records_put(&(struct changed_records){
               .invocation = move->invocation,
               .is_changed = has_new_record,
               .context = move,
               .shared = view->shared != NULL,
           });
}

static bool open_again(struct move *move)
{
    mx_plan_clear(&move->plan);
    return open_plan(move);
}

static bool is_record_next(const struct move *move)
{
    enum mx_move_step next = move->plan.move.next;
    return next == MX_MOVE_ANNOUNCE || next == MX_MOVE_CONCLUDE;
}

static void tell_next(const struct move *move)
{
    enum mx_move_step next = move->plan.move.next;
    mx_plan_view_print(&move->plan, stderr);
    if (next == MX_MOVE_STEPS) {
        fprintf(stderr, "All is done.\n");
    } else {
        CLEANUP_FREE char *text = mx_plan_view_text(&move->plan, next);
        fprintf(stderr, "Next: %s\n", text);
    }
}

static int apply(struct move *move)
{
    bool json = invocation_has(move->invocation, "json");
    bool publishes = invocation_has(move->invocation, "publish");
    enum mx_move_step step = move->plan.move.next;
    int code = COMMAND_DONE;
    if (!changed_records_check(move->invocation, move->plan.workspace.settings) ||
        !do_step(move, step, &code) || !open_again(move)) {
        return COMMAND_FAILED;
    }
    if (is_record_next(move) && !json) {
        if (!put_record(move) || (publishes && !open_again(move))) {
            return COMMAND_FAILED;
        }
        code = publishes ? COMMAND_DONE : code;
    }
    bool applied = code == COMMAND_DONE && step != MX_MOVE_STEPS;
    if (json) {
        mx_plan_view_print_json(&move->plan, applied ? mx_move_step_name(step) : NULL, stdout);
    } else {
        tell_next(move);
    }
    return code;
}

int cmd_plan_mx(const struct invocation *invocation)
{
    CLEANUP(clear) struct move move = {.invocation = invocation};
    if (!read_hosts(invocation, "add", &move.add) ||
        !read_hosts(invocation, "remove", &move.remove)) {
        return COMMAND_USAGE;
    }
    if (move.add.count + move.remove.count == 0) {
        return invocation_usage(invocation, "name the hosts with --add and --remove");
    }
    if (invocation_has(invocation, "publish") &&
        (!invocation_has(invocation, "apply") || invocation_has(invocation, "json"))) {
        return invocation_usage(invocation,
                                "--publish goes with --apply, and prints records: not with --json");
    }
    if (is_both(&move)) {
        return invocation_usage(invocation, "a host is to be added and removed; name it once");
    }
    CLEANUP_SETTINGS struct settings *settings = workspace_settings(invocation);
    struct error e;
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    if (!dns_choice_open(invocation_values(invocation, "resolver"), settings, &move.resolver, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    if (!open_plan(&move)) {
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
