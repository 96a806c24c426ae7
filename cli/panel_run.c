#include "panel_run.h"

#include <stdio.h>
#include <string.h>

#include "cli/json_view.h"
#include "cli/opening.h"
#include "lib/base/clock.h"
#include "lib/base/json_read.h"
#include "lib/base/safe_json.h"
#include "lib/base/time_text.h"
#include "policies/panel/panel_reply.h"
#include "publish/panel_direct.h"
#include "publish/panel_held.h"
#include "publish/panel_mx.h"
#include "server/control/control.h"

/* As long as a reload may take. */
enum { PANEL_TIMEOUT_MS = 10 * 60 * 1000 };

static const char BATCH[] = "-"; /* standard input, also in messages */

struct run {
    const struct invocation *invocation;
    enum panel_verb verb;
    struct settings *settings;
    struct catalogue *catalogue; /* loaded when somebody needs it */
    struct panel_edits edits;
    struct served_history history;
    json_t *reply;
};

static void clear(struct run *run)
{
    json_decref(run->reply);
    served_history_clear(&run->history);
    panel_edits_clear(&run->edits);
    catalogue_free(run->catalogue);
    settings_free(run->settings);
}

/* --- What is asked for --- */

static bool read_option(const struct invocation *invocation, const char *name,
                        struct panel_edit *pattern)
{
    struct error e;
    const struct invocation_values *given = invocation_values_if(invocation, name);
    for (size_t i = 0; given != NULL && i < given->count; i++) {
        if (!panel_edit_read_option(pattern, bytes_of(name), bytes_of(given->items[i]), &e)) {
            (void)invocation_usage(invocation, "--%s: %s", name, e.text);
            return false;
        }
    }
    return true;
}

bool panel_read_options(const struct invocation *invocation, struct panel_edit *pattern)
{
    static const char *const NAMES[] = {"policy", "mx", "mode", "max-age"};
    for (size_t i = 0; i < ARRAY_LENGTH(NAMES); i++) {
        if (!read_option(invocation, NAMES[i], pattern)) {
            return false;
        }
    }
    return true;
}

/* The place of E is one of the batch, where it has one. */
static int refuse(const struct error *e)
{
    if (e->line == 0) {
        return fail(e);
    }
    fprintf(stderr, "%s:%u:%u: error: %s\nNothing was changed.\n", BATCH, e->line, e->column,
            e->text);
    return COMMAND_FAILED;
}

static int read_batch(struct run *run, const struct panel_edit *pattern)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER((size_t)PANEL_TEXT_MAX + 1);
    if (!file_read_descriptor(fileno(stdin), "standard input", &text, &e)) {
        return fail(&e);
    }
    return panel_lines_parse(buffer_bytes(&text), run->verb, pattern, &run->edits, &e)
               ? COMMAND_DONE
               : refuse(&e);
}

/* The domains of the command line. */
static int read_named(struct run *run, const struct panel_edit *pattern)
{
    struct error e;
    const struct invocation *invocation = run->invocation;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        struct panel_edit *edit = panel_edits_new(&run->edits);
        *edit = *pattern;
        edit->verb = run->verb;
        edit->mx = memory_alloc((pattern->mx_count + 1) * sizeof(edit->mx[0]));
        for (size_t k = 0; k < pattern->mx_count; k++) {
            edit->mx[k] = pattern->mx[k];
        }
        if (!read_domain(invocation, invocation->arguments[i], &edit->domain)) {
            return COMMAND_USAGE;
        }
        if (!panel_edit_check(edit, &e)) {
            return invocation_usage(invocation, "%s", e.text);
        }
    }
    return COMMAND_DONE;
}

static bool is_batch(const struct run *run)
{
    return run->invocation->argument_count == 1 &&
           strcmp(run->invocation->arguments[0], BATCH) == 0;
}

/* --- Before anything is written --- */

static bool load_policies(struct run *run)
{
    return run->catalogue != NULL || open_policies(run->settings, NULL, 0, &run->catalogue);
}

static bool needs_files(const struct run *run)
{
    for (size_t i = 0; i < run->edits.count; i++) {
        if (panel_mx_needs_files(&run->edits.items[i])) {
            return true;
        }
    }
    return false;
}

static int look_at_mx(struct run *run)
{
    static const int EXITS[] = {
        [PANEL_MX_GOOD] = COMMAND_DONE,
        [PANEL_MX_NOT_COVERED] = COMMAND_NO,
        [PANEL_MX_NOT_KNOWN] = COMMAND_FAILED,
    };
    struct error e;
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    if (!open_resolver(run->invocation, run->settings, &resolver, &e)) {
        return fail(&e);
    }
    if (needs_files(run) && !load_policies(run)) {
        return COMMAND_FAILED;
    }
    enum panel_mx_verdict verdict = panel_mx_look(
        &run->edits, is_batch(run) ? BATCH : "mtasts-host", run->catalogue, resolver, &d);
    diagnostics_print(&d, stderr);
    if (verdict != PANEL_MX_GOOD) {
        fprintf(stderr, "Nothing was changed.\n");
    }
    return EXITS[verdict];
}

static bool is_checked(const struct run *run)
{
    const struct invocation_values *unchecked = invocation_values_if(run->invocation, "no-check");
    return unchecked != NULL && !invocation_has(run->invocation, "no-check") &&
           run->edits.count != 0;
}

/* --- The edit --- */

/* The domains go as lines, as a batch has them. */
static bool ask_server(struct run *run, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer lines = BUFFER(PANEL_TEXT_MAX);
    for (size_t i = 0; i < run->edits.count; i++) {
        panel_line_print(&run->edits.items[i], &lines);
    }
    if (lines.overflow) {
        return error_set(e, ERROR_LIMIT,
                         "the batch with its mx hosts is over %d octets; make several of it",
                         PANEL_TEXT_MAX);
    }
    json_t *request =
        json_pack("{s:s,s:s,s:o}", "command", "panel", "verb", panel_verb_name(run->verb), "lines",
                  safe_json_string(buffer_bytes(&lines)));
    bool asked =
        control_ask(settings_control(run->settings), request, PANEL_TIMEOUT_MS, &run->reply, e);
    json_decref(request);
    return asked;
}

static int edit_directly(struct run *run)
{
    struct error e;
    CLEANUP(panel_edited_clear) struct panel_edited edited = {0};
    if (!load_policies(run)) {
        return COMMAND_FAILED;
    }
    if (!panel_direct_edit(run->settings, run->catalogue, &run->edits, &edited, &e)) {
        return refuse(&e);
    }
    run->reply = panel_reply_made(&run->edits, &edited);
    return COMMAND_DONE;
}

/* Lines that we wrote ourselves are numbered as the edits are. */
static void find_line(const struct run *run, struct error *e)
{
    bool ours = e->line != 0 && e->line <= run->edits.count;
    e->line = ours ? run->edits.items[e->line - 1].line : 0;
    e->column = e->line != 0 ? 1 : 0;
}

static int edit(struct run *run)
{
    struct error e;
    if (!ask_server(run, &e)) {
        return e.code == ERROR_NOT_FOUND ? edit_directly(run) : fail(&e);
    }
    if (panel_reply_is_refused(run->reply, &e)) {
        find_line(run, &e);
        return refuse(&e);
    }
    return COMMAND_DONE;
}

/* --- What came of it --- */

static bool is_removal(const struct run *run)
{
    return run->verb == PANEL_REMOVE || run->verb == PANEL_REMOVE_NOW;
}

/* Adds to each of the reply until when senders hold more, asked before anything goes. */
static json_t *ask_held(struct run *run)
{
    json_t *held = json_object();
    int64_t now_s = clock_wall_s();
    run->history.control = settings_control(run->settings);
    for (size_t i = 0; is_removal(run) && i < run->edits.count; i++) {
        bool known = false;
        const char *domain = run->edits.items[i].domain.text;
        int64_t until_s = panel_held_until(&run->history, domain, now_s, &known);
        json_object_set_new(
            held, domain,
            json_pack("{s:b,s:I}", "known", (int)known, "until", (json_int_t)until_s));
    }
    return held;
}

static void tell_held(const struct run *run, const json_t *held)
{
    long long until_s = json_number(held, "until");
    const char *then =
        run->verb == PANEL_REMOVE ? "; record and host stay until then, and it goes by itself" : "";
    if (until_s != 0) {
        fprintf(stderr, "  until %s senders may hold its policy%s\n",
                time_text_moment(until_s).text, then);
    } else if (!json_is_true(json_object_get(held, "known"))) {
        fprintf(stderr, "  not known is until when senders may hold its policy\n");
    } else {
        fprintf(stderr, "  no sender holds a policy of it\n");
    }
}

enum { TOLD_MAX = 20 };

static void tell_words(const struct run *run, const json_t *held)
{
    size_t i = 0;
    size_t counts[PANEL_OUTCOMES] = {0};
    const json_t *item = NULL;
    const json_t *domains = json_object_get(run->reply, "domains");
    bool few = json_array_size(domains) <= TOLD_MAX;
    json_array_foreach(domains, i, item)
    {
        const char *outcome = json_text(item, "outcome");
        for (enum panel_outcome o = 0; o < PANEL_OUTCOMES; o++) {
            counts[o] += strcmp(outcome, panel_outcome_name(o)) == 0;
        }
        if (few) {
            fprintf(stderr, "%s: %s\n", json_text(item, "domain"), outcome);
        }
        if (few && is_removal(run)) {
            tell_held(run, json_object_get(held, json_text(item, "domain")));
        }
    }
    for (enum panel_outcome o = 0; !few && o < PANEL_OUTCOMES; o++) {
        if (counts[o] != 0) {
            fprintf(stderr, "%zu %s\n", counts[o], panel_outcome_name(o));
        }
    }
}

static void print_json(const struct run *run, const json_t *held)
{
    size_t i = 0;
    json_t *item = NULL;
    json_t *domains = json_object_get(run->reply, "domains");
    json_array_foreach(domains, i, item)
    {
        const json_t *its = json_object_get(held, json_text(item, "domain"));
        if (its != NULL) {
            json_object_set_new(item, "held_known",
                                json_boolean(json_is_true(json_object_get(its, "known"))));
            json_object_set_new(item, "held_until", json_view_time(json_number(its, "until")));
        }
    }
    json_view_print_list("domains", json_incref(domains));
}

/* A server that does not read the file yet is told so by the reload that it made. */
static int finish(struct run *run, const json_t *held)
{
    const char *trouble = json_text(run->reply, "trouble");
    if (invocation_has(run->invocation, "json")) {
        print_json(run, held);
    } else {
        tell_words(run, held);
    }
    if (trouble[0] != '\0') {
        fprintf(stderr, "%s\n", trouble);
    }
    return trouble[0] != '\0' ? COMMAND_NO : COMMAND_DONE;
}

static int work(struct run *run)
{
    int code = is_checked(run) ? look_at_mx(run) : COMMAND_DONE;
    if (code != COMMAND_DONE) {
        return code;
    }
    json_t *held = ask_held(run);
    code = edit(run);
    code = code == COMMAND_DONE ? finish(run, held) : code;
    json_decref(held);
    return code;
}

int panel_run(const struct invocation *invocation, enum panel_verb verb, struct panel_edit *pattern)
{
    CLEANUP(clear) struct run run = {.invocation = invocation, .verb = verb};
    struct panel_edits pattern_of = {.items = memory_alloc(sizeof(*pattern)), .count = 1};
    pattern_of.items[0] = *pattern;
    int code = is_batch(&run) ? read_batch(&run, pattern) : read_named(&run, pattern);
    panel_edits_clear(&pattern_of);
    if (code != COMMAND_DONE) {
        return code;
    }
    run.settings = open_settings(invocation);
    return run.settings != NULL ? work(&run) : COMMAND_FAILED;
}
