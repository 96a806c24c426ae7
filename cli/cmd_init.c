/* init: a first `testing` policy from what is live. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/dns_choice.h"
#include "cli/new_file.h"
#include "cli/opening.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"
#include "publish/first_policy.h"

struct init {
    const struct invocation *invocation;
    struct workspace workspace; /* empty where there is no configuration */
    bool configured;
    struct first_policy first;
    char *path;
};

static void clear(struct init *init)
{
    first_policy_clear(&init->first);
    workspace_clear(&init->workspace);
    free(init->path);
}

/* With --output a configuration may be missing; one that is there must be right. */
static bool open_configuration(struct init *init)
{
    const struct invocation *invocation = init->invocation;
    bool wanted = invocation->config != NULL || !invocation_has(invocation, "output") ||
                  access(settings_find(NULL), F_OK) == 0;
    if (!wanted) {
        return true;
    }
    init->configured = open_workspace(invocation, &init->workspace);
    return init->configured;
}

static bool is_new(const struct init *init, struct error *e)
{
    struct catalogue_view view;
    const struct catalogue *catalogue = init->workspace.catalogue;
    struct bytes domain = dns_name_bytes(&init->first.domain);
    if (init->configured && catalogue_is_disputed(catalogue, domain)) {
        return error_set(e, ERROR_CONFLICT, "%s is in several files already; mend the errors above",
                         init->first.domain.text);
    }
    if (!init->configured || !catalogue_find(catalogue, domain, &view)) {
        return true;
    }
    return error_set(e, ERROR_CONFLICT, "%s:%u:%u: %s is there already; edit it there", view.path,
                     view.entry->place.line, view.entry->place.column, init->first.domain.text);
}

/* --output, else DOMAIN.yaml in the first directory of policies. */
static bool choose_path(struct init *init, struct error *e)
{
    const char *output = invocation_value(init->invocation, "output");
    if (output != NULL) {
        init->path = memory_string(output);
        return true;
    }
    const struct settings_list *policies = &init->workspace.settings->policies;
    for (size_t i = 0; i < policies->count; i++) {
        struct stat status;
        if (stat(policies->items[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            init->path = memory_printf("%s/%s.yaml", policies->items[i], init->first.domain.text);
            return true;
        }
    }
    return error_set(e, ERROR_NOT_FOUND,
                     "%s names no directory of policies; name the new file with --output",
                     init->workspace.settings->file);
}

/* --- What it says --- */

static void tell_found(const struct first_policy *first)
{
    if (first->implicit_mx) {
        fprintf(stderr, "%s has no MX records: mail goes to the domain itself.\n",
                first->domain.text);
    }
    if (first->live_unreadable != NULL) {
        fprintf(stderr, "The live policy cannot be read, as senders cannot: %s\n",
                first->live_unreadable);
    }
    diagnostics_print(&first->live_problems, stderr);
    for (size_t i = 0; i < first->lacked.count; i++) {
        fprintf(stderr, "The live policy lacks the MX host %s.\n", first->lacked.items[i].text);
    }
    if (first->live != NULL && first->live->mode != first->mode) {
        const char *mode = policy_mode_name(first->live->mode);
        fprintf(stderr, "The live policy has mode %s: --mode %s keeps it.\n", mode, mode);
    }
}

static bool find_mx(struct init *init, struct error *e)
{
    const struct invocation_values *given = invocation_values(init->invocation, "mx");
    const char *mode = invocation_value(init->invocation, "mode");
    struct first_policy *first = &init->first;
    first->max_age_s = FIRST_POLICY_MAX_AGE_S;
    if (mode == NULL || !policy_mode_parse(bytes_of(mode), &first->mode)) {
        first->mode = POLICY_TESTING; /* the option's choices are the modes */
    }
    if (given->count != 0) {
        return first_policy_name(first, given->items, given->count, e);
    }
    const struct invocation_values none = {0};
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    bool ok = dns_choice_open(&none, init->workspace.settings, &resolver, e) &&
              first_policy_look(first, resolver, e);
    tell_found(first);
    return ok;
}

static bool write_file(const struct init *init, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FIRST_POLICY_TEXT_MAX);
    return first_policy_print(&init->first, &text, e) &&
           new_file_write(init->path, buffer_bytes(&text), e);
}

static void print_next_steps(const struct init *init)
{
    const char *domain = init->first.domain.text;
    fprintf(stderr,
            "Wrote %s. Next:\n"
            "  look at it: a name missing under mx is mail that fails later\n"
            "  mtasts-host bump-id %s          gives it an id\n"
            "  mtasts-host record --setup %s   says what to put into DNS, once\n"
            "  a certificate for mta-sts.%s; mtasts-host status names those that are missing\n",
            strcmp(init->path, "-") == 0 ? "to standard output" : SAFE_TEXT(init->path), domain,
            domain, domain);
}

int cmd_init(const struct invocation *invocation)
{
    CLEANUP(clear) struct init init = {.invocation = invocation};
    struct error e;
    if (!dns_name_normalise(bytes_of(invocation->arguments[0]), &init.first.domain, &e)) {
        return invocation_usage(invocation, "%s: %s", invocation->arguments[0], e.text);
    }
    struct bytes domain = dns_name_bytes(&init.first.domain);
    if (bytes_starts_with(domain, BYTES("mta-sts."))) {
        return invocation_usage(
            invocation, "%s is the host that serves a policy; name the mail domain, %s",
            init.first.domain.text, init.first.domain.text + strlen("mta-sts."));
    }
    if (!open_configuration(&init)) {
        return COMMAND_FAILED;
    }
    if (!is_new(&init, &e) || !choose_path(&init, &e) || !find_mx(&init, &e) ||
        !write_file(&init, &e)) {
        return fail(&e);
    }
    print_next_steps(&init);
    return COMMAND_DONE;
}
