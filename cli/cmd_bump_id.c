/* bump-id: gives what changed a new id, in the files and nowhere else in them, tells what changed,
 * and prints the records to publish, or publishes them: ids first, then, once the policies are
 * served, the records. */
#include <stdio.h>
#include <string.h>

#include "cli/bump_json.h"
#include "cli/bump_view.h"
#include "cli/json_view.h"
#include "cli/opening.h"
#include "cli/record_output.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"
#include "policies/files/mirror_copy.h"
#include "publish/bump_check.h"
#include "publish/removal_check.h"

struct bump {
    const struct invocation *invocation;
    struct workspace workspace;
    struct catalogue *older;
    struct shared_users users;
    struct bump_plan plan;
    struct bump_view view;
    struct record_output output;
    bool failed;      /* for a file, or a domain; the others are done all the same */
    bool out_of_step; /* with --check: an id is not its policy's */
};

static void clear(struct bump *bump)
{
    record_output_close(&bump->output);
    bump_view_clear(&bump->view);
    bump_plan_clear(&bump->plan);
    shared_users_clear(&bump->users);
    catalogue_free(bump->older);
    workspace_clear(&bump->workspace);
}

/* Whether the output is one JSON document. */
static bool is_json(const struct invocation *invocation)
{
    const char *format = invocation_value(invocation, "format");
    return format != NULL && strcmp(format, "json") == 0;
}

/* --- Before anything is written --- */

static bool open_older(struct bump *bump, const char *since)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    bump->older = since != NULL ? catalogue_load_older(since, &bump->plan.defaults, &d) : NULL;
    diagnostics_print(&d, stderr);
    bump->view.report.older = bump->older;
    return since == NULL || bump->older != NULL;
}

static bool open_output(struct bump *bump)
{
    const struct invocation *invocation = bump->invocation;
    enum record_output_gate gating = invocation_has(invocation, "check")    ? RECORDS_UNGATED
                                     : invocation_has(invocation, "strict") ? RECORDS_GATED_STRICTLY
                                                                            : RECORDS_GATED;
    return record_output_open(&bump->output, invocation, bump->workspace.settings, gating) &&
           record_output_take_wait(&bump->output, invocation);
}

static bool open_all(struct bump *bump)
{
    const struct invocation *invocation = bump->invocation;
    if (!open_workspace(invocation, &bump->workspace)) {
        return false;
    }
    const struct settings *settings = bump->workspace.settings;
    bool check = invocation_has(invocation, "check");
    bump->failed = workspace_exit(&bump->workspace) != COMMAND_DONE;
    bump->plan = (struct bump_plan){
        .catalogue = bump->workspace.catalogue,
        .all = invocation->argument_count == 0,
        .insert = !settings->ids_derived && !check,
        .derived = settings->ids_derived && !check,
        .now_s = clock_wall_s(),
        .defaults = workspace_defaults(settings),
        .mirror_copies = mirror_copy_directory(settings->state),
    };
    shared_users_collect(bump->workspace.catalogue, &bump->users);
    bump->view.changes = is_json(invocation) ? json_array() : NULL;
    bump->view.report = (struct bump_report){
        .users = &bump->users,
        .history.control = settings_control(settings),
        .now_s = bump->plan.now_s,
    };
    return open_older(bump, invocation_value(invocation, "since")) && open_output(bump);
}

/* --- Which domains --- */

static bool select_domain(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    bool first = bump_plan_add(&bump->plan, view);
    const struct shared_user *user =
        first && view->shared != NULL ? shared_users_find(&bump->users, view->shared->name) : NULL;
    if (user != NULL && user->domains > 1) {
        CLEANUP_FREE char *users = shared_user_text(user);
        bool derived = view->shared->id.n == 0 && view->shared->mirror == NULL;
        fprintf(stderr, "%.*s uses the shared policy %.*s: its id counts for all of %s%s%.*s\n",
                BYTES_ARG(view->entry->name), BYTES_ARG(view->shared->name), users,
                derived ? "; it has none in its file, and gets one where you name @" : "",
                derived ? (int)view->shared->name.n : 0, view->shared->name.p);
    }
    return true;
}

static bool select_argument(struct bump *bump, const char *text)
{
    struct error e;
    struct catalogue_view view;
    if (text[0] == '@') {
        return bump_plan_add_shared(&bump->plan, text, &e) || tell(&e);
    }
    return workspace_find(&bump->workspace, text, &view, &e) ? select_domain(&view, bump)
                                                             : tell(&e);
}

/* False: a name that is not ours, which was told. */
static bool select_named(struct bump *bump)
{
    bool all = true;
    if (bump->plan.all) {
        return each_named(&bump->workspace, bump->invocation, select_domain, bump);
    }
    for (size_t i = 0; i < bump->invocation->argument_count; i++) {
        all = select_argument(bump, bump->invocation->arguments[i]) && all;
    }
    return all;
}

/* --- --check --- */

/* Something that is out of step: a line, or with --format json a part of the document. SUBJECT and
 * ID may be NULL. */
static void find(struct bump *bump, const char *path, const struct policy_file_place *place,
                 const char *subject, const char *id, const char *text)
{
    bump->out_of_step = true;
    if (bump->view.changes != NULL) {
        json_array_append_new(bump->view.changes,
                              bump_json_finding(path, place, subject, id, text));
        return;
    }
    printf("%s:%u:%u: error: %s\n", SAFE_TEXT(path), place->line, place->column, SAFE_TEXT(text));
}

static void check_change(struct bump *bump, const struct bump_change *change)
{
    bool shared = change->section == ID_EDIT_POLICIES;
    const char *why =
        bump_check_change(change, bump->older, invocation_has(bump->invocation, "strict"));
    if (why != NULL) {
        CLEANUP_FREE char *text =
            memory_printf("the id %s of %s%s %s; run \"mtasts-host bump-id\"", change->old_id.text,
                          shared ? "the shared policy " : "", change->subject + shared, why);
        find(bump, change->path, &change->place, change->subject, change->old_id.text, text);
    }
}

static bool check_domain(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    struct policy_id id;
    if (bump_plan_wants(&bump->plan, view) && bump_check_has_stayed(view, bump->older, &id)) {
        CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
        CLEANUP_FREE char *text =
            memory_printf("the id %s of %s stayed although its policy changed; run \"mtasts-host "
                          "bump-id\" with --since",
                          id.text, domain);
        find(bump, view->path, &view->entry->place, domain, id.text, text);
    }
    return true;
}

/* What files in error hold is not gone. */
static void check_removals(struct bump *bump)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (bump->plan.all && !bump->failed) {
        removal_check(bump->workspace.catalogue, bump->older, &d);
    }
    for (size_t i = 0; i < d.count; i++) {
        const struct diagnostic *row = &d.items[i];
        const struct policy_file_place place = {row->line, row->column};
        find(bump, row->file, &place, NULL, NULL, row->text);
    }
}

static int check_ids(struct bump *bump)
{
    bump_plan_settle(&bump->plan);
    for (size_t i = 0; i < bump->plan.count; i++) {
        check_change(bump, &bump->plan.changes[i]);
    }
    if (bump->older != NULL) {
        catalogue_each(bump->workspace.catalogue, check_domain, bump);
        check_removals(bump);
    }
    if (bump->view.changes != NULL) {
        json_view_print_list("out_of_step", TAKE(bump->view.changes));
    }
    return bump->failed ? COMMAND_FAILED : bump->out_of_step ? COMMAND_NO : COMMAND_DONE;
}

/* --- The files --- */

/* An id that was written by hand says nothing of its text. Where the older copy has it with the
 * same text, it stays; else a new id is the safe answer. */
static void spare_unchanged(struct bump *bump)
{
    for (size_t i = 0; bump->plan.all && i < bump->plan.count; i++) {
        struct bump_change *change = &bump->plan.changes[i];
        if (change->state == POLICY_ID_FOREIGN && !change->derived &&
            bump_check_is_unchanged(change, bump->older)) {
            change->derived = true;
            change->quiet = true;
        }
    }
}

static void write_files(struct bump *bump)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (invocation_has(bump->invocation, "dry-run")) {
        bump_plan_settle(&bump->plan);
        return;
    }
    bump->failed = !bump_plan_write(&bump->plan, &d) || bump->failed;
    diagnostics_print(&d, stderr);
}

/* --- What changed --- */

static bool tell_gone(const struct catalogue_view *then, void *context)
{
    struct bump *bump = context;
    struct catalogue_view view;
    if (then->policy != NULL &&
        !catalogue_find(bump->workspace.catalogue, then->entry->name, &view)) {
        CLEANUP_FREE char *domain = memory_string_of(then->entry->name);
        bump_view_gone(&bump->view, domain, then->policy);
    }
    return true;
}

static void tell_changes(struct bump *bump)
{
    for (size_t i = 0; i < bump->plan.count; i++) {
        struct bump_change *change = &bump->plan.changes[i];
        change->quiet = change->quiet ||
                        (change->derived && !bump_report_has_changed(&bump->view.report, change));
        if (!change->quiet) {
            bump_view_change(&bump->view, change);
        }
    }
    /* What files in error held is not gone. */
    if (bump->older != NULL && bump->plan.all && !bump->failed) {
        catalogue_each(bump->older, tell_gone, bump);
    }
}

static void tell_end(const struct bump *bump)
{
    size_t told = bump_plan_told(&bump->plan);
    bump_view_end(&bump->view);
    if (told == 0 && !bump->failed) {
        fprintf(stderr, "Every id is current.%s\n",
                bump->older != NULL ? ""
                                    : " Whether a domain went over to another policy, only --since "
                                      "can tell.");
    } else if (told != 0 && invocation_has(bump->invocation, "dry-run")) {
        fprintf(stderr, "Nothing was written (--dry-run).\n");
    }
}

/* --- Their records --- */

/* Of those that were named, or of all, everything that we publish goes into DNS: a tenant's CNAME
 * may be missing, or lead to the policy that it had before. Of others that use a shared policy
 * under a delegation the policy's own record is enough. */
static enum records_of records_of(const struct bump *bump, const struct catalogue_view *view,
                                  bool moved)
{
    if (bump->output.publishes && bump_plan_wants(&bump->plan, view)) {
        return RECORDS_OF_DOMAIN;
    }
    bool delegated = bump->workspace.settings->dns_delegate != NULL;
    return delegated && view->shared != NULL && !moved ? RECORDS_OF_SHARED : RECORDS_OF_ID;
}

static bool add_records(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    const struct bump_plan *plan = &bump->plan;
    CLEANUP_FREE char *subject = bump_subject_of(view);
    bool changed = bump_plan_find(plan, subject) != NULL;
    bool moved =
        bump_plan_wants(plan, view) && bump->older != NULL && bump_check_is_move(view, bump->older);
    if (moved && (!changed || view->shared != NULL)) { /* else it was told with the new id */
        bump_view_move(&bump->view, view);
    }
    /* With --publish also what did not change now: a run before may have failed to publish it. */
    bool wanted = changed || moved ||
                  (bump->output.publishes && bump_plan_wants_subject(plan, bytes_of(subject)));
    enum records_of of = records_of(bump, view, moved);
    if (wanted && (of == RECORDS_OF_SHARED || record_output_passes(&bump->output, view))) {
        record_output_add(&bump->output, view, of, bump_plan_id(plan, view));
    }
    return true;
}

/* What stdout did not take: the records are lost, the ids in the files are not. */
static void check_output(struct bump *bump)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return;
    }
    bump->failed = true;
    if (!bump->output.publishes && !invocation_has(bump->invocation, "dry-run") &&
        bump_plan_told(&bump->plan) != 0) {
        fprintf(stderr, "mtasts-host: the ids are written, their records were not printed: print "
                        "them with \"mtasts-host record --all\"\n");
    }
}

/* The ids are written; the records come after the policies. */
static int put_records(struct bump *bump)
{
    catalogue_each(bump->workspace.catalogue, add_records, bump);
    bump->output.changes = TAKE(bump->view.changes); /* they are all there */
    int code = record_output_end(&bump->output);
    bump->failed = bump->failed || bump->output.failed;
    tell_end(bump);
    if (bump->output.publishes) {
        bump->failed = !record_output_publish(&bump->output) || bump->failed;
    }
    check_output(bump);
    return bump->failed ? COMMAND_FAILED : code;
}

int cmd_bump_id(const struct invocation *invocation)
{
    CLEANUP(clear) struct bump bump = {.invocation = invocation};
    if (invocation_has(invocation, "check") && invocation_value(invocation, "format") != NULL &&
        !is_json(invocation)) {
        return invocation_usage(invocation, "--check prints no records: --format json, or none");
    }
    if (!open_all(&bump) || !select_named(&bump)) {
        return COMMAND_FAILED; /* a name that is not ours: nothing is touched */
    }
    bump_plan_make(&bump.plan);
    if (invocation_has(invocation, "check")) {
        return check_ids(&bump);
    }
    spare_unchanged(&bump);
    write_files(&bump);
    tell_changes(&bump);
    return put_records(&bump);
}
