/* init: a first `testing` policy from what is live. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/init_live.h"
#include "cli/init_mx.h"
#include "cli/new_file.h"
#include "cli/workspace.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"
#include "policies/files/policy_file.h"

enum {
    FIRST_MAX_AGE_S = 24 * 60 * 60, /* short: a first policy is likely to be changed */
    TEXT_MAX = 2 * POLICY_BODY_MAX,
};

struct init {
    const struct invocation *invocation;
    struct workspace workspace; /* empty where there is no configuration */
    bool configured;
    struct dns_name domain;
    struct init_mx mx;
    uint32_t max_age_s;
    char *path;
};

static void clear(struct init *init)
{
    init_mx_clear(&init->mx);
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
    init->configured = workspace_open(invocation, &init->workspace);
    return init->configured;
}

static bool is_new(const struct init *init, struct error *e)
{
    struct catalogue_view view;
    const struct catalogue *catalogue = init->workspace.catalogue;
    struct bytes domain = dns_name_bytes(&init->domain);
    if (init->configured && catalogue_is_disputed(catalogue, domain)) {
        return error_set(e, ERROR_CONFLICT, "%s is in several files already; mend the errors above",
                         init->domain.text);
    }
    if (!init->configured || !catalogue_find(catalogue, domain, &view)) {
        return true;
    }
    return error_set(e, ERROR_CONFLICT, "%s:%u:%u: %s is there already; edit it there", view.path,
                     view.entry->place.line, view.entry->place.column, init->domain.text);
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
            init->path = memory_printf("%s/%s.yaml", policies->items[i], init->domain.text);
            return true;
        }
    }
    return error_set(e, ERROR_NOT_FOUND,
                     "%s names no directory of policies; name the new file with --output",
                     init->workspace.settings->file);
}

static enum policy_mode wanted_mode(const struct init *init)
{
    const char *word = invocation_value(init->invocation, "mode");
    enum policy_mode mode = POLICY_TESTING; /* the option's choices are the modes */
    return word != NULL && policy_mode_parse(bytes_of(word), &mode) ? mode : POLICY_TESTING;
}

static bool ask_outside(struct init *init, const struct dns_resolver *resolver, struct error *e)
{
    struct bytes domain = dns_name_bytes(&init->domain);
    if (!init_mx_look_up(domain, resolver, &init->mx, e)) {
        return false;
    }
    struct policy *live = init_live_policy(domain, resolver);
    if (live != NULL) {
        init_mx_join(&init->mx, live);
        init->max_age_s = live->max_age_s;
        if (live->mode != wanted_mode(init)) {
            fprintf(stderr, "The live policy has mode %s: --mode %s keeps it.\n",
                    policy_mode_name(live->mode), policy_mode_name(live->mode));
        }
        policy_free(live);
    }
    return true;
}

static bool find_mx(struct init *init, struct error *e)
{
    const struct invocation_values *given = invocation_values(init->invocation, "mx");
    init->max_age_s = FIRST_MAX_AGE_S;
    if (given->count != 0) {
        return init_mx_parse(given, &init->mx, e);
    }
    const struct settings *settings = init->workspace.settings;
    struct settings_list none = {0};
    const struct settings_list *servers = settings != NULL ? &settings->dns_resolvers : &none;
    struct dns_resolver *resolver = NULL;
    if (!dns_resolver_new((const char *const *)servers->items, servers->count, &resolver, e)) {
        return false;
    }
    bool ok = ask_outside(init, resolver, e);
    dns_resolver_free(resolver);
    return ok;
}

static bool write_file(const struct init *init, struct error *e)
{
    enum policy_mode mode = wanted_mode(init);
    struct policy_terms terms = {mode, init->max_age_s, init->mx.items, init->mx.count};
    struct policy *policy = NULL;
    if (!policy_new(&terms, &policy, e)) {
        return false;
    }
    struct policy_file_entry entry = {.name = dns_name_bytes(&init->domain), .policy = policy};
    struct policy_file file = {.domains = &entry, .domain_count = 1};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TEXT_MAX);
    if (mode == POLICY_TESTING) {
        buffer_add_string(&text, "# testing: senders deliver all the same, and report what would "
                                 "have failed.\n"
                                 "# Go on to enforce when their reports are clean.\n");
    }
    policy_file_print(&file, &text);
    policy_free(policy);
    return new_file_write(init->path, buffer_bytes(&text), e);
}

static void print_next_steps(const struct init *init)
{
    const char *domain = init->domain.text;
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
    if (!dns_name_normalise(bytes_of(invocation->arguments[0]), &init.domain, &e)) {
        return invocation_usage(invocation, "%s: %s", invocation->arguments[0], e.text);
    }
    struct bytes domain = dns_name_bytes(&init.domain);
    if (bytes_starts_with(domain, BYTES("mta-sts."))) {
        return invocation_usage(invocation,
                                "%s is the host that serves a policy; name the mail domain, %s",
                                init.domain.text, init.domain.text + strlen("mta-sts."));
    }
    if (!open_configuration(&init)) {
        return COMMAND_FAILED;
    }
    if (!is_new(&init, &e) || !choose_path(&init, &e) || !find_mx(&init, &e) ||
        !write_file(&init, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    print_next_steps(&init);
    return COMMAND_DONE;
}
