#include "bump_view.h"

#include <stdio.h>

#include "cli/bump_json.h"
#include "cli/rollout_view.h"

static void print_story(struct bump_view *view, const char *subject,
                        const struct change_story *story)
{
    if (story->known) {
        policy_diff_print(&story->diff, stderr);
    }
    view->unknown += !story->known;
    rollout_print(&story->rollout, stderr);
    if (subject[0] == '@' && story->rollout.enforced_until_s != 0) {
        fprintf(stderr, "  a domain that came to this policy from another one meanwhile may need "
                        "longer\n");
    }
    if (story->unserved) {
        fprintf(stderr, "  the running server does not serve this policy yet: publish the record "
                        "only when it does\n");
    }
}

/* Takes CHANGE. */
static void gather(struct bump_view *view, json_t *change)
{
    json_array_append_new(view->changes, change);
}

static void print_subject(const struct bump_view *view, const struct bump_change *change)
{
    if (change->section != ID_EDIT_POLICIES) {
        fputs(change->subject, stderr);
        return;
    }
    const char *name = change->subject + 1;
    const struct shared_user *user = shared_users_find(view->report.users, bytes_of(name));
    CLEANUP_FREE char *users = user != NULL ? shared_user_text(user) : memory_string("");
    fprintf(stderr, "policy %s%s%s", name, user != NULL ? ", " : "", users);
}

void bump_view_change(struct bump_view *view, const struct bump_change *change)
{
    CLEANUP(change_story_clear) struct change_story story;
    print_subject(view, change);
    if (change->derived) {
        fprintf(stderr, ": id %s, by itself\n", change->new_id.text);
    } else if (change->state == POLICY_ID_ABSENT) {
        fprintf(stderr, ": new id %s\n", change->new_id.text);
    } else {
        fprintf(stderr, ": id %s -> %s\n", change->old_id.text, change->new_id.text);
    }
    bump_report_change(&view->report, change, &story);
    print_story(view, change->subject, &story);
    if (view->changes != NULL) {
        gather(view, bump_json_id(change, &story));
    }
}

void bump_view_move(struct bump_view *view, const struct catalogue_view *domain)
{
    CLEANUP(change_story_clear) struct change_story story;
    CLEANUP_FREE char *name = memory_string_of(domain->entry->name);
    struct bytes before = catalogue_entry(view->report.older, bytes_of(name))->shared;
    struct bytes own = BYTES("of its own");
    fprintf(stderr, "%s: policy %.*s -> %.*s\n", name, BYTES_ARG(before.n != 0 ? before : own),
            BYTES_ARG(domain->shared != NULL ? domain->shared->name : own));
    bump_report_move(&view->report, domain, &story);
    print_story(view, name, &story);
    if (view->changes != NULL) {
        gather(view,
               bump_json_move(name, before,
                              domain->shared != NULL ? domain->shared->name : (struct bytes){0},
                              &story));
    }
}

void bump_view_gone(struct bump_view *view, const char *domain, const struct policy *before)
{
    int64_t until_s = bump_report_gone_until_s(&view->report, domain, before);
    if (until_s != 0) {
        fprintf(stderr, "%s: gone\n", domain);
        rollout_print_gone(until_s, stderr);
    }
    if (view->changes != NULL) {
        gather(view, bump_json_gone(domain, until_s));
    }
}

void bump_view_clear(struct bump_view *view)
{
    served_history_clear(&view->report.history);
    json_decref(view->changes);
    *view = (struct bump_view){0};
}

void bump_view_end(const struct bump_view *view)
{
    const struct served_history *history = &view->report.history;
    if (history->why != NULL) {
        fprintf(stderr, "What was served so far is not known: %s\n", history->why);
    }
    if (history->asked == SERVED_HISTORY_ASKED_MAX) {
        fprintf(stderr,
                "Only the first %d were asked of the server: dates of the others come from --since "
                "or are missing; name domains to ask for them.\n",
                SERVED_HISTORY_ASKED_MAX);
    }
    if (view->unknown != 0) {
        fprintf(stderr,
                "What changed is not known for %zu of these (--since compares with an older "
                "copy). Where an mx was added or replaced, or the mode "
                "lowered: keep the old MX hosts, and route no mail to new ones, until the max_age "
                "of the old policy has passed.\n",
                view->unknown);
    }
}
