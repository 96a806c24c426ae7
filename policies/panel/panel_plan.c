#include "panel_plan.h"

#include "policies/files/policy_edit.h"

/* One edit, and what it is about. */
struct subject {
    const struct panel_task *task;
    const struct panel_edit *edit;
    const struct policy_file *file;
    const struct policy_file_entry *entry; /* of the domain; NULL: the file has none */
    const char *elsewhere;                 /* NULL: no other file has it */
};

struct panel_edit *panel_edits_new(struct panel_edits *edits)
{
    ARRAY_GROW(edits->items, edits->count, edits->capacity);
    struct panel_edit *edit = &edits->items[edits->count++];
    *edit = (struct panel_edit){0};
    return edit;
}

void panel_edits_clear(struct panel_edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        free(edits->items[i].mx);
    }
    free(edits->items);
    *edits = (struct panel_edits){0};
}

const char *panel_outcome_name(enum panel_outcome outcome)
{
    static const char *const NAMES[PANEL_OUTCOMES] = {
        [PANEL_UNCHANGED] = "unchanged", [PANEL_ADDED] = "added", [PANEL_CHANGED] = "changed",
        [PANEL_RETIRED] = "retired",     [PANEL_GONE] = "gone",
    };
    return NAMES[outcome];
}

/* --- What it has, and what it is to have --- */

static bool has_mx(const struct policy *policy, const struct panel_edit *edit)
{
    size_t cursor = 0;
    struct bytes mx;
    for (size_t i = 0; i < edit->mx_count; i++) {
        if (!policy_next_mx(policy, &cursor, &mx) ||
            !bytes_equal(mx, dns_name_bytes(&edit->mx[i]))) {
            return false;
        }
    }
    return !policy_next_mx(policy, &cursor, &mx);
}

static bool is_leaving(const struct policy_file_entry *entry)
{
    return entry->policy != NULL && entry->policy->mode == POLICY_NONE;
}

static bool names_shared(const struct panel_edit *edit)
{
    return edit->shared.n != 0;
}

static bool has_what_is_added(const struct policy_file_entry *entry, const struct panel_edit *edit)
{
    if (names_shared(edit)) {
        return bytes_equal(entry->shared, dns_name_bytes(&edit->shared));
    }
    return entry->policy != NULL && has_mx(entry->policy, edit) &&
           (!edit->set_max_age || entry->policy->max_age_s == edit->max_age_s);
}

/* The id of a policy of its own: that of its text, or one that was written by hand gives way to
 * one. */
static void find_id(const struct subject *subject, struct panel_item *item)
{
    struct bytes old = subject->entry != NULL ? subject->entry->id : BYTES("");
    enum policy_id_state state = policy_id_judge(old, item->policy);
    if (state == POLICY_ID_CURRENT) {
        memcpy(item->id.text, old.p, old.n);
    } else if (!subject->task->ids_derived || state != POLICY_ID_ABSENT) {
        policy_id_make(item->policy, subject->task->now_s, old, &item->id);
    }
}

static void begin(const struct subject *subject, enum panel_outcome outcome,
                  struct panel_item *item)
{
    item->outcome = outcome;
    item->edit.domain = dns_name_bytes(&subject->edit->domain);
    item->edit.tlsrpt = subject->entry != NULL ? subject->entry->tlsrpt : BYTES("");
}

/* A policy of its own; one that says what it said already is no change. */
static void give_policy(const struct subject *subject, enum panel_outcome outcome,
                        struct panel_item *item)
{
    const struct policy_file_entry *entry = subject->entry;
    bool same = entry != NULL && entry->policy != NULL && policy_equal(entry->policy, item->policy);
    begin(subject, same ? PANEL_UNCHANGED : outcome, item);
    find_id(subject, item);
    item->edit.policy = item->policy;
}

static bool give_terms(const struct subject *subject, const struct policy_terms *terms,
                       enum panel_outcome outcome, struct panel_item *item, struct error *e)
{
    if (!policy_new(terms, &item->policy, e)) {
        return false;
    }
    give_policy(subject, outcome, item);
    return true;
}

static bool give_shared(const struct subject *subject, enum panel_outcome outcome,
                        struct panel_item *item, struct error *e)
{
    const struct panel_facts *facts = subject->task->facts;
    struct bytes name = dns_name_bytes(&subject->edit->shared);
    if (policy_file_find_policy(subject->file, name) == NULL &&
        !facts->has_shared(name, facts->context)) {
        return error_set(e, ERROR_NOT_FOUND,
                         "there is no shared policy %.*s; name one that stands under `policies` of "
                         "a policy file that is served",
                         BYTES_ARG(name));
    }
    begin(subject, outcome, item);
    item->edit.shared = name;
    return true;
}

/* --- The verbs --- */

static bool add(const struct subject *subject, struct panel_item *item, struct error *e)
{
    const struct panel_edit *edit = subject->edit;
    const struct policy_file_entry *entry = subject->entry;
    bool leaves = entry != NULL && is_leaving(entry);
    if (entry != NULL && !leaves) {
        return has_what_is_added(entry, edit) ||
               error_set(e, ERROR_CONFLICT,
                         "it is there already, with another policy; change it with `set`");
    }
    if (names_shared(edit)) {
        return give_shared(subject, PANEL_ADDED, item, e);
    }
    const struct policy_terms terms = {
        .mode = POLICY_TESTING,
        .max_age_s = edit->set_max_age ? edit->max_age_s : PANEL_FIRST_MAX_AGE_S,
        .mx = edit->mx,
        .mx_count = edit->mx_count,
    };
    return give_terms(subject, &terms, PANEL_ADDED, item, e);
}

/* From the terms that it has. */
static bool set_terms(const struct subject *subject, struct panel_item *item, struct error *e)
{
    const struct panel_edit *edit = subject->edit;
    const struct policy *before = subject->entry->policy;
    struct dns_name *kept = NULL;
    size_t kept_count = 0;
    size_t capacity = 0;
    size_t cursor = 0;
    struct bytes mx;
    while (edit->mx_count == 0 && policy_next_mx(before, &cursor, &mx)) {
        ARRAY_GROW(kept, kept_count, capacity);
        kept[kept_count] = (struct dns_name){.n = (unsigned char)mx.n};
        memcpy(kept[kept_count++].text, mx.p, mx.n);
    }
    const struct policy_terms terms = {
        .mode = edit->set_mode ? edit->mode : before->mode,
        .max_age_s = edit->set_max_age ? edit->max_age_s : before->max_age_s,
        .mx = edit->mx_count != 0 ? edit->mx : kept,
        .mx_count = edit->mx_count != 0 ? edit->mx_count : kept_count,
    };
    bool good = give_terms(subject, &terms, PANEL_CHANGED, item, e);
    free(kept);
    return good;
}

/* From a shared policy, or from mode none, to one of its own. */
static bool set_first_terms(const struct subject *subject, struct panel_item *item, struct error *e)
{
    const struct panel_edit *edit = subject->edit;
    if (edit->mx_count == 0) {
        return error_set(e, ERROR_CONFLICT,
                         "it uses the shared policy %.*s, whose terms are those of all who do; "
                         "give it a policy of its own with --mx, or another one with --policy",
                         BYTES_ARG(subject->entry->shared));
    }
    const struct policy_terms terms = {
        .mode = edit->set_mode ? edit->mode : POLICY_TESTING,
        .max_age_s = edit->set_max_age ? edit->max_age_s : PANEL_FIRST_MAX_AGE_S,
        .mx = edit->mx,
        .mx_count = edit->mx_count,
    };
    return give_terms(subject, &terms, PANEL_CHANGED, item, e);
}

static bool set(const struct subject *subject, struct panel_item *item, struct error *e)
{
    const struct policy_file_entry *entry = subject->entry;
    if (entry == NULL) {
        return error_set(e, ERROR_NOT_FOUND, "it is not there; begin with `add`");
    }
    if (is_leaving(entry)) {
        return error_set(e, ERROR_CONFLICT, "it is on its way out; bring it back with `add`");
    }
    if (names_shared(subject->edit)) {
        return bytes_equal(entry->shared, dns_name_bytes(&subject->edit->shared)) ||
               give_shared(subject, PANEL_CHANGED, item, e);
    }
    return entry->policy != NULL ? set_terms(subject, item, e) : set_first_terms(subject, item, e);
}

static bool retire(const struct subject *subject, struct panel_item *item, struct error *e)
{
    const struct panel_facts *facts = subject->task->facts;
    const struct policy_file_entry *entry = subject->entry;
    if (entry == NULL || is_leaving(entry)) {
        return true;
    }
    const struct policy *basis =
        entry->policy != NULL ? entry->policy : facts->policy_of(entry->name, facts->context);
    if (basis == NULL) {
        return error_set(e, ERROR_CONFLICT,
                         "what its shared policy %.*s says is not known yet; try again once it is "
                         "served, or take the domain out with --now",
                         BYTES_ARG(entry->shared));
    }
    const struct policy_edit none = {
        .set_mode = true,
        .mode = POLICY_NONE,
        .set_max_age = true,
        .max_age_s =
            basis->max_age_s < PANEL_NONE_MAX_AGE_S ? basis->max_age_s : PANEL_NONE_MAX_AGE_S,
    };
    if (!policy_edit_meant(&none, basis, &item->policy, e)) {
        return false;
    }
    give_policy(subject, PANEL_RETIRED, item);
    return true;
}

static bool take_out(const struct subject *subject, struct panel_item *item, struct error *e)
{
    (void)e;
    if (subject->entry != NULL) {
        begin(subject, PANEL_GONE, item);
        item->edit.gone = true;
    }
    return true;
}

static bool expire(const struct subject *subject, struct panel_item *item, struct error *e)
{
    bool leaves = subject->entry != NULL && is_leaving(subject->entry);
    return !leaves || take_out(subject, item, e);
}

/* --- All of them --- */

static bool decide(const struct subject *subject, struct panel_item *item, struct error *e)
{
    static bool (*const VERBS[])(const struct subject *subject, struct panel_item *item,
                                 struct error *e) = {
        [PANEL_ADD] = add,       [PANEL_SET] = set,
        [PANEL_REMOVE] = retire, [PANEL_REMOVE_NOW] = take_out,
        [PANEL_EXPIRE] = expire,
    };
    if (subject->entry == NULL && subject->elsewhere != NULL &&
        subject->edit->verb != PANEL_EXPIRE) {
        return error_set(e, ERROR_CONFLICT, "%s has it, which is not the panel's; edit it there",
                         subject->elsewhere);
    }
    return VERBS[subject->edit->verb](subject, item, e);
}

/* By domain, then in the order of the batch. */
static int compare_edits(const void *left, const void *right)
{
    const struct panel_edit *const *a = left;
    const struct panel_edit *const *b = right;
    int order = bytes_compare(dns_name_bytes(&(*a)->domain), dns_name_bytes(&(*b)->domain));
    return order != 0 ? order : (*a > *b) - (*a < *b);
}

/* At LINE of the batch, about the domain. */
static bool fail_at(const struct panel_edit *edit, struct error *e)
{
    e->line = edit->line;
    e->column = edit->line != 0 ? 1 : 0;
    return error_prefix(e, "%s: ", edit->domain.text);
}

static bool check_each_once(const struct panel_task *task, struct error *e)
{
    const struct panel_edit **sorted = memory_zero(task->count + 1, sizeof(*sorted));
    const struct panel_edit *twice = NULL;
    for (size_t i = 0; i < task->count; i++) {
        sorted[i] = &task->edits[i];
    }
    qsort(sorted, task->count, sizeof(*sorted),
          compare_edits); // NOLINT(bugprone-sizeof-expression)
    for (size_t i = 1; i < task->count && twice == NULL; i++) {
        bool same =
            bytes_equal(dns_name_bytes(&sorted[i]->domain), dns_name_bytes(&sorted[i - 1]->domain));
        twice = same ? sorted[i] : NULL;
        error_format(e, ERROR_CONFLICT, "it stands on line %u already; remove one of them",
                     sorted[i - 1]->line);
    }
    free(sorted);
    return twice == NULL || fail_at(twice, e);
}

bool panel_plan_make(const struct panel_task *task, const struct policy_file *file,
                     struct panel_item **ret_items, struct error *e)
{
    const struct panel_facts *facts = task->facts;
    if (!check_each_once(task, e)) {
        return false;
    }
    struct panel_item *items = memory_zero(task->count + 1, sizeof(*items));
    for (size_t i = 0; i < task->count; i++) {
        const struct panel_edit *edit = &task->edits[i];
        struct bytes domain = dns_name_bytes(&edit->domain);
        const struct subject subject = {
            .task = task,
            .edit = edit,
            .file = file,
            .entry = policy_file_find_domain(file, domain),
            .elsewhere = facts->elsewhere(domain, facts->context),
        };
        if (!decide(&subject, &items[i], e)) {
            panel_items_free(items, task->count);
            return fail_at(edit, e);
        }
    }
    *ret_items = items;
    return true;
}

void panel_items_free(struct panel_item *items, size_t count)
{
    for (size_t i = 0; items != NULL && i < count; i++) {
        if (items[i].policy != NULL) {
            policy_free(items[i].policy);
        }
    }
    free(items);
}
