/* bump-id: gives what changed a new id, in the files and nowhere else in them, tells what changed,
 * and prints the records to publish, or publishes them: ids first, then, once the policies are
 * served, the records. */
#include <stdio.h>

#include "cli/bump_check.h"
#include "cli/bump_report.h"
#include "cli/domain_records.h"
#include "cli/publication.h"
#include "cli/record_gate.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/yaml/fields.h"
#include "policies/files/mirror_copy.h"

enum { WAIT_MAX_S = 3600 };

struct bump {
    const struct invocation *invocation;
    struct workspace workspace;
    struct older_copy *older;
    struct shared_users users;
    struct name_map selected; /* subjects; where domains were named */
    struct name_map named;    /* those domains */
    struct name_map paths;    /* files to look at */
    struct bump_plan plan;
    struct bump_report report;
    struct domain_records records;
    struct record_gate gate;
    bool publishes;
    struct publication publication;
    const struct catalogue_view *view; /* the one whose records are made */
    bool stayed;                       /* with --check: a domain's id did, and its policy did not */
    int unready; /* what to exit with for names that have no certificate yet */
    bool failed;
};

static void clear(struct bump *bump)
{
    publication_close(&bump->publication);
    record_gate_close(&bump->gate);
    served_history_clear(&bump->report.history);
    bump_plan_clear(&bump->plan);
    name_map_clear(&bump->paths);
    name_map_clear(&bump->selected);
    name_map_clear(&bump->named);
    shared_users_clear(&bump->users);
    older_copy_close(bump->older);
    workspace_clear(&bump->workspace);
}

static char *subject_of(const struct catalogue_view *view)
{
    return view->shared != NULL ? bump_subject(ID_EDIT_POLICIES, view->shared->name)
                                : bump_subject(ID_EDIT_DOMAINS, view->entry->name);
}

static bool select_domain(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    const char *path = view->shared != NULL ? view->shared_path : view->path;
    name_map_add(&bump->paths, bytes_of(path));
    if (bump->plan.selected == NULL) {
        return true;
    }
    name_map_add(&bump->named, view->entry->name);
    CLEANUP_FREE char *subject = subject_of(view);
    size_t before = bump->selected.count;
    name_map_add(&bump->selected, bytes_of(subject));
    const struct shared_user *user =
        view->shared != NULL ? shared_users_find(&bump->users, view->shared->name) : NULL;
    if (user != NULL && user->domains > 1 && bump->selected.count > before) {
        fprintf(stderr, "%.*s uses the shared policy %.*s: its id counts for all of ",
                BYTES_ARG(view->entry->name), BYTES_ARG(view->shared->name));
        shared_user_print(user, stderr);
        fputc('\n', stderr);
    }
    return true;
}

static void plan_files(struct bump *bump)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    name_map_sort(&bump->paths);
    for (size_t i = 0; i < bump->paths.count; i++) {
        if (!bump_plan_file(&bump->plan, bump->paths.items[i].name, &d)) {
            bump->failed = true;
        }
    }
    bump_plan_sort(&bump->plan);
    diagnostics_print(&d, stderr);
}

/* The id that counts now: the new one where there is one. */
static struct bytes id_now(const struct catalogue_view *view, void *context)
{
    const struct bump *bump = context;
    CLEANUP_FREE char *subject = subject_of(view);
    const struct bump_change *change = bump_plan_find(&bump->plan, subject);
    if (change != NULL) {
        return bytes_of(change->new_id.text);
    }
    return view->shared != NULL ? view->shared->id : view->entry->id;
}

static bool is_wanted(const struct bump *bump, const struct catalogue_view *view)
{
    return bump->plan.selected == NULL || name_map_find(&bump->named, view->entry->name) != NULL;
}

static bool check_domain(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    if (is_wanted(bump, view) && !bump_check_domain(view, bump->older, stdout)) {
        bump->stayed = true;
    }
    return true;
}

/* With --publish also what did not change now: a run before may have failed to publish it. */
static bool is_to_publish(const struct bump *bump, const char *subject)
{
    return bump->publishes && (bump->plan.selected == NULL ||
                               name_map_find(&bump->selected, bytes_of(subject)) != NULL);
}

static void take_record(const struct record *record, void *context)
{
    struct bump *bump = context;
    publication_add(&bump->publication, record, bump->view);
}

static bool add_record(const struct catalogue_view *view, void *context)
{
    struct bump *bump = context;
    CLEANUP_FREE char *subject = subject_of(view);
    bool changed = bump_plan_find(&bump->plan, subject) != NULL;
    bool moved = is_wanted(bump, view) && bump_report_is_move(&bump->report, view);
    if (moved && (!changed || view->shared != NULL)) { /* else it was told with the new id */
        bump_report_move(&bump->report, view);
    }
    if ((!changed && !moved && !is_to_publish(bump, subject)) ||
        !record_gate_passes(&bump->gate, view->entry->name)) {
        return true;
    }
    struct error e;
    bump->view = view;
    bool delegated = bump->workspace.settings->dns_delegate != NULL;
    bool ok = delegated && view->shared != NULL && !moved
                  ? domain_records_add_shared(&bump->records, view, &e)
                  : domain_records_add_id(&bump->records, view, &e);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        bump->failed = true;
    }
    return true;
}

static void report_gone(const char *domain, const struct policy *policy, void *context)
{
    struct bump *bump = context;
    struct catalogue_view view;
    if (!catalogue_find(bump->workspace.catalogue, bytes_of(domain), &view)) {
        bump_report_gone(&bump->report, domain, policy);
    }
}

static void report_changes(struct bump *bump)
{
    for (size_t i = 0; i < bump->plan.count; i++) {
        struct bump_change *change = &bump->plan.changes[i];
        change->quiet = change->derived && !bump_report_has_changed(&bump->report, change);
        if (!change->quiet) {
            bump_report_change(&bump->report, change);
        }
    }
    /* What files in error held is not gone. */
    if (bump->older != NULL && bump->plan.selected == NULL && !bump->failed) {
        older_copy_each(bump->older, report_gone, bump);
    }
}

static void report(struct bump *bump)
{
    const struct invocation *invocation = bump->invocation;
    report_changes(bump);
    if (bump->publishes) {
        domain_records_begin_taking(&bump->records, bump->workspace.settings, take_record, bump);
    } else {
        domain_records_begin(&bump->records, bump->workspace.settings,
                             invocation_value(invocation, "format"));
    }
    bump->records.id = id_now;
    bump->records.id_context = bump;
    catalogue_each(bump->workspace.catalogue, add_record, bump);
    domain_records_end(&bump->records);
    bump->unready = record_gate_end(&bump->gate);
    bump_report_end(&bump->report);
    size_t told = bump_plan_told(&bump->plan);
    if (told == 0 && !bump->failed) {
        fprintf(stderr, "Every id is current.%s\n",
                bump->older != NULL ? ""
                                    : " Whether a domain went over to another policy, only --since "
                                      "can tell.");
    } else if (told != 0 && !bump->plan.write) {
        fprintf(stderr, "Nothing was written (--dry-run).\n");
    }
}

/* What stdout did not take: the records are lost, the ids in the files are not. */
static void check_output(struct bump *bump)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return;
    }
    bump->failed = true;
    if (!bump->publishes && bump->plan.write && bump_plan_told(&bump->plan) != 0) {
        fprintf(stderr, "mtasts-host: the ids are written, their records were not printed: print "
                        "them with \"mtasts-host record --all\"\n");
    }
}

static int check_ids(struct bump *bump)
{
    bool strict = invocation_has(bump->invocation, "strict");
    bool clean = bump_check_print(&bump->plan, bump->older, strict, stdout);
    if (bump->older != NULL) {
        catalogue_each(bump->workspace.catalogue, check_domain, bump);
    }
    clean = clean && !bump->stayed;
    return bump->failed ? COMMAND_FAILED : clean ? COMMAND_DONE : COMMAND_NO;
}

/* The ids are written; the records come after the policies. */
static void publish(struct bump *bump, int64_t wait_s)
{
    bool all = true;
    if (wait_s != 0) {
        all = publication_wait(&bump->publication, wait_s * 1000);
    } else {
        publication_warn(&bump->publication);
    }
    const char *format = invocation_value(bump->invocation, "format");
    bump->failed = !publication_run(&bump->publication, format) || !all || bump->failed;
}

/* Before anything is written: what --publish needs. */
static bool open_publication(struct bump *bump)
{
    struct error e;
    const char *url = invocation_value(bump->invocation, "url");
    bool ok = publication_open(&bump->publication, bump->workspace.settings, &e) &&
              (url == NULL || serving_wait_at(&bump->publication.wait, url, &e));
    if (!ok) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
    }
    return ok;
}

static int run(struct bump *bump, int64_t wait_s)
{
    const struct invocation *invocation = bump->invocation;
    const struct settings *settings = bump->workspace.settings;
    bool check = invocation_has(invocation, "check");
    bump->failed = workspace_exit(&bump->workspace) != COMMAND_DONE;
    bump->plan = (struct bump_plan){
        .catalogue = bump->workspace.catalogue,
        .selected = invocation->argument_count != 0 ? &bump->selected : NULL,
        .insert = !settings->ids_derived && !check,
        .derived = settings->ids_derived && !check,
        .write = !check && !invocation_has(invocation, "dry-run"),
        .now_s = clock_wall_s(),
        .defaults = workspace_defaults(settings),
    };
    const char *since = invocation_value(invocation, "since");
    if (since != NULL) {
        bump->older = older_copy_open(since, &bump->plan.defaults);
        if (bump->older == NULL) {
            return COMMAND_FAILED;
        }
    }
    if (bump->publishes && !open_publication(bump)) {
        return COMMAND_FAILED;
    }
    CLEANUP_FREE char *copies = mirror_copy_directory(settings->state);
    bump->plan.mirror_copies = copies;
    shared_users_collect(bump->workspace.catalogue, &bump->users);
    if (!workspace_each(&bump->workspace, invocation, select_domain, bump)) {
        return COMMAND_FAILED; /* a name that is not ours: nothing is touched */
    }
    plan_files(bump);
    if (check) {
        return check_ids(bump);
    }
    bump->report = (struct bump_report){
        .older = bump->older,
        .users = &bump->users,
        .history.control = settings->control,
        .now_s = bump->plan.now_s,
    };
    record_gate_open(&bump->gate, settings,
                     bump->publishes                        ? RECORD_GATE_PUBLISHES
                     : invocation_has(invocation, "strict") ? RECORD_GATE_STRICT
                                                            : RECORD_GATE_TELLS,
                     bump->plan.now_s);
    report(bump);
    if (bump->publishes) {
        publish(bump, wait_s);
    }
    check_output(bump);
    return bump->failed ? COMMAND_FAILED : bump->unready;
}

/* False: told on stderr. */
static bool check_usage(const struct invocation *invocation, int64_t *ret_wait_s)
{
    bool check = invocation_has(invocation, "check");
    bool dry = invocation_has(invocation, "dry-run");
    bool publishes = invocation_has(invocation, "publish");
    const char *wait = invocation_value(invocation, "wait");
    const char *wrong = NULL;
    if (invocation_has(invocation, "all") && invocation->argument_count != 0) {
        wrong = "name domains, or give --all, not both";
    } else if (check && (invocation_has(invocation, "format") || dry)) {
        wrong = "--check prints no records and writes nothing: leave --format and --dry-run out";
    } else if (publishes && (check || dry)) {
        wrong = "--publish changes DNS: leave --check and --dry-run out";
    } else if (wait != NULL && !publishes) {
        wrong = "--wait is for --publish: give both";
    } else if (wait == NULL && invocation_has(invocation, "url")) {
        wrong = "--url says where --wait asks: give both";
    } else if (wait != NULL && (!fields_parse_duration_s(bytes_of(wait), ret_wait_s) ||
                                *ret_wait_s < 1 || *ret_wait_s > WAIT_MAX_S)) {
        wrong = "--wait takes a time from 1s to 1h, as in --wait=30s";
    }
    if (wrong != NULL) {
        (void)invocation_usage(invocation, "%s", wrong);
    }
    return wrong == NULL;
}

int cmd_bump_id(const struct invocation *invocation)
{
    int64_t wait_s = 0;
    if (!check_usage(invocation, &wait_s)) {
        return COMMAND_USAGE;
    }
    CLEANUP(clear)
    struct bump bump = {
        .invocation = invocation,
        .publishes = invocation_has(invocation, "publish"),
    };
    if (!workspace_open(invocation, &bump.workspace)) {
        return COMMAND_FAILED;
    }
    return run(&bump, wait_s);
}
