/* init: a first `testing` policy from what is live. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/opening.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"
#include "publish/first_policy.h"

struct init {
    const struct invocation *invocation;
    struct workspace workspace; /* empty where there is no configuration */
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
    return !wanted || open_workspace(invocation, &init->workspace);
}

/* --output, else a new file among the policies. */
static bool choose_path(struct init *init, struct error *e)
{
    const char *output = invocation_value(init->invocation, "output");
    init->path = output != NULL
                     ? memory_string(output)
                     : first_policy_path(&init->first, &init->workspace.settings->policies);
    return init->path != NULL ||
           error_set(e, ERROR_NOT_FOUND,
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
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    bool ok = open_resolver(init->invocation, init->workspace.settings, &resolver, e) &&
              first_policy_look(first, resolver, e);
    tell_found(first);
    return ok;
}

static bool write_file(const struct init *init, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FIRST_POLICY_TEXT_MAX);
    return first_policy_print(&init->first, &text, e) &&
           write_new_file(init->path, buffer_bytes(&text), e);
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
    if (!read_domain(invocation, invocation->arguments[0], &init.first.domain)) {
        return COMMAND_USAGE;
    }
    if (!open_configuration(&init)) {
        return COMMAND_FAILED;
    }
    if (!(init.workspace.catalogue == NULL ||
          first_policy_is_new(&init.first, init.workspace.catalogue, &e)) ||
        !choose_path(&init, &e) || !find_mx(&init, &e) || !write_file(&init, &e)) {
        return fail(&e);
    }
    print_next_steps(&init);
    return COMMAND_DONE;
}
