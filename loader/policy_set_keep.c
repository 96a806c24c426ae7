/* Last good copies: what a restart must serve although the files do not say it (any more). */
#include <stdio.h>

#include "loader/policy_set_parts.h"

/* --- Writing --- */

static struct bytes domain_name(const struct policy_domain *domain)
{
    return (struct bytes){domain->name, domain->name_length};
}

/* The parsed file is not kept: what it said is what is served for it now. The texts are borrowed
 * from the index. */
static void print_version(struct policy_set *set, const struct set_file *file, struct buffer *out)
{
    struct policy_file model = {
        .policies = memory_zero(file->shared_count, sizeof(struct policy_file_entry)),
        .domains = memory_zero(file->domain_count, sizeof(struct policy_file_entry)),
    };
    for (size_t i = 0; i < file->shared_count; i++) {
        const struct set_shared *shared = file->shared[i];
        if (shared->slot != NULL || shared->mirror != NULL) {
            model.policies[model.policy_count++] = (struct policy_file_entry){
                .name = set_shared_name(shared),
                .policy = shared->slot != NULL ? shared->slot->policy : NULL,
                .mirror = set_mirror_keeps_text(set, shared) ? NULL : shared->mirror,
            };
        }
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        const struct policy_domain *domain = file->domains[i].domain;
        const struct set_shared *shared =
            domain->slot != NULL ? set_shared_of(set, domain) : set_mirror_wait_of(file, domain);
        if (domain->slot == NULL && shared == NULL) {
            continue;
        }
        model.domains[model.domain_count++] = (struct policy_file_entry){
            .name = domain_name(domain),
            .policy = shared == NULL ? domain->own.policy : NULL,
            .shared = shared != NULL ? set_shared_name(shared) : BYTES(""),
        };
    }
    policy_file_print(&model, out);
    free(model.policies);
    free(model.domains);
}

static void print_orphan(const struct set_shared *shared, struct buffer *out)
{
    struct policy_file_entry entry = {.name = set_shared_name(shared),
                                      .policy = shared->slot->policy};
    struct policy_file model = {.policies = &entry, .policy_count = 1};
    policy_file_print(&model, out);
}

/* Whether what FILE has applied is what the disk does not say: a restart could not read it. Of
 * those that have just vanished and may come back, one with shared policies counts, for the files
 * that use them; the others are to go anyway, and there may be very many. */
static bool wants_copy(struct policy_set *set, const struct set_file *file)
{
    if (file->forgotten || (file->domain_count == 0 && file->shared_count == 0)) {
        return false;
    }
    return file->unreadable || file->offer != NULL ||
           (file->gone && (file->copied || file->shared_count != 0)) ||
           set->tops[file->top].state != TOP_FINE || set_mirror_keeps_former(set, file);
}

static bool keep_file(struct policy_set *set, struct set_file *file, struct buffer *text,
                      struct error *e)
{
    bool wanted = wants_copy(set, file);
    bool held = file->held || set->tops[file->top].state != TOP_FINE;
    if (!wanted) {
        bool removed = !file->copied || last_good_remove(set->copies, file->path, e);
        file->copied = file->copied && !removed;
        return removed;
    }
    if (file->copied && file->copied_held == held && !file->copy_is_old) {
        return true;
    }
    buffer_reset(text);
    print_version(set, file, text);
    if (!last_good_put(set->copies, file->path, held, buffer_bytes(text), e)) {
        return false;
    }
    file->copied = true;
    file->copied_held = held;
    file->copy_is_old = false;
    return true;
}

static bool keep_shared(struct policy_set *set, struct set_shared *shared, struct buffer *text,
                        struct error *e)
{
    if (!set_shared_is_orphan(shared)) {
        bool removed = !shared->copied || last_good_remove(set->copies, shared->text, e);
        shared->copied = shared->copied && !removed;
        return removed;
    }
    if (shared->copied) {
        return true;
    }
    buffer_reset(text);
    print_orphan(shared, text);
    shared->copied = last_good_put(set->copies, shared->text, false, buffer_bytes(text), e);
    return shared->copied;
}

static void report_state(struct policy_set *set, const struct error *e)
{
    struct diagnostics problems = {0};
    if (e != NULL) {
        diagnostics_add(&problems, SEVERITY_ERROR, set->state, 0, 0,
                        "last good policies cannot be kept here, so a restart would not serve what "
                        "is held or in error: %s; make room, or let mtasts-host write here",
                        e->text);
    }
    set_report_replace(set, &set->state_problems, &problems);
}

/* Copies that could not be written are wanted still: set_keep_update tries all that are touched and
 * those. */
static void list_unkept(struct policy_set *set, struct set_file *file)
{
    if (!file->unkept) {
        file->unkept = true;
        set_files_add(&set->unkept, file);
    }
}

void set_keep_again(struct policy_set *set, struct set_file *file)
{
    if (file->copied) {
        file->copy_is_old = true;
        list_unkept(set, file);
    }
}

static void touch_uncopied(struct set_shared *shared, void *context)
{
    if (set_shared_is_orphan(shared) && !shared->copied) {
        set_shared_touch(context, shared);
    }
}

void set_keep_update(struct policy_set *set)
{
    if (set->copies == NULL) {
        return;
    }
    struct error e;
    bool ok = true;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(LAST_GOOD_TEXT_MAX);
    for (size_t i = 0; i < set->unkept.count; i++) {
        set->unkept.items[i]->unkept = false;
        set_files_touch(set, set->unkept.items[i]);
    }
    set->unkept.count = 0;
    if (set->shared_unkept) {
        set_shared_each(set, touch_uncopied, set);
    }
    for (size_t i = 0; i < set->touched.count; i++) {
        ok = keep_file(set, set->touched.items[i], &text, &e) && ok;
    }
    for (size_t i = 0; i < set->touched_shared_count; i++) {
        ok = keep_shared(set, set->touched_shared[i], &text, &e) && ok;
    }
    ok = ok && last_good_commit(set->copies, &e);
    for (size_t i = 0; i < set->touched.count && !ok; i++) {
        /* What is there now is not known: written or removed again, it is right. */
        set->touched.items[i]->copy_is_old = true;
        if (!set->touched.items[i]->forgotten) {
            list_unkept(set, set->touched.items[i]);
        }
    }
    for (size_t i = 0; i < set->touched_shared_count && !ok; i++) {
        set->touched_shared[i]->copied = false;
    }
    set->shared_unkept = !ok;
    report_state(set, ok ? NULL : &e);
}

/* --- Reading --- */

static void restore_shared(struct policy_set *set, const struct last_good_copy *copy,
                           struct policy_file *parsed)
{
    const struct policy_file_entry *entry =
        policy_file_find_policy(parsed, bytes_of(copy->source + 1));
    if (entry != NULL) {
        struct set_shared *shared = set_shared_mention(set, entry->name);
        set_shared_publish(set, shared, policy_file_take_policy((struct policy_file_entry *)entry));
        shared->copied = true;
        free(shared->last_path);
        shared->last_path = memory_string(set->tops[0].path);
        set_shared_touch(set, shared);
        set_shared_unmention(set, shared);
    }
    policy_file_clear(parsed);
}

/* The copy's domains and names are FILE's, as if it had been applied; what is served for them is
 * published when it is known what the disk says. */
static void own_copy(struct policy_set *set, struct set_file *file)
{
    struct set_offer *copy = file->copy;
    file->domains = memory_zero(copy->domain_count, sizeof(*file->domains));
    file->shared = memory_zero(copy->shared_count, sizeof(struct set_shared *));
    for (size_t i = 0; i < copy->domain_count; i++) {
        struct offer_domain *offered = &copy->domains[i];
        struct policy_domain *domain =
            policy_index_claim(set->index, (struct bytes){offered->name, offered->name_length});
        if (domain->owner == NULL) {
            domain->owner = file;
            offered->domain = domain;
            file->domains[file->domain_count++].domain = domain;
            set->owned++;
        }
    }
    for (size_t i = 0; i < copy->shared_count; i++) {
        struct set_shared *shared = copy->shared[i].shared;
        if (shared->owner == NULL) {
            shared->owner = file;
            set_mirror_adopt(set, shared, copy->shared[i].mirror);
            free(shared->last_path);
            shared->last_path = memory_string(file->path);
            set->shared_defined++;
            shared->mentions++;
            file->shared[file->shared_count++] = shared;
            set_shared_touch(set, shared);
        }
    }
}

static void restore_copy(const struct last_good_copy *copy, const struct error *e, void *context)
{
    struct policy_set *set = context;
    struct diagnostics ignored = {0};
    struct policy_file parsed;
    if (e != NULL ||
        !policy_file_parse(copy->yaml, copy->source, &set->defaults, &parsed, &ignored)) {
        diagnostics_add(&set->fresh, SEVERITY_WARNING, copy->source, 0, 0,
                        "its last good copy is damaged and is not used: %s",
                        e != NULL ? e->text : ignored.items[0].text);
        diagnostics_clear(&ignored);
        return;
    }
    diagnostics_clear(&ignored);
    if (copy->source[0] == '@') {
        restore_shared(set, copy, &parsed);
        return;
    }
    size_t top = 0;
    while (top < set->top_count && !file_path_is_below(copy->source, set->tops[top].path)) {
        top++;
    }
    if (top == set->top_count) { /* configured no more */
        struct error unused;
        bool removed = last_good_remove(set->copies, copy->source, &unused);
        (void)removed; /* else the next start tries again */
        policy_file_clear(&parsed);
        return;
    }
    struct set_file *file = set_files_find_or_add(set, copy->source, top);
    file->copy = set_offer_new(set, &parsed);
    file->copied = true;
    file->copied_held = copy->held;
    set_files_add(&set->restored, file);
}

void set_keep_restore(struct policy_set *set)
{
    if (set->copies == NULL) {
        return;
    }
    struct error e;
    if (!last_good_each(set->copies, restore_copy, set, &e)) {
        report_state(set, &e);
    }
    set_files_settle(set);
    set_files_sort(&set->restored);
    for (size_t i = 0; i < set->restored.count; i++) {
        own_copy(set, set->restored.items[i]);
    }
}
