/* What most commands work on: the main configuration and the policy files that it names, loaded
 * once, names that two files claim settled as the server has them (policies/files/catalogue.h). */
#ifndef CLI_WORKSPACE_H
#define CLI_WORKSPACE_H

#include <stdint.h>

#include "cli/invocation.h"
#include "config/settings.h"
#include "lib/base/diagnostics.h"
#include "lib/dns/name.h"
#include "policies/files/catalogue.h"

struct workspace {
    struct settings *settings;
    struct catalogue *catalogue;
    struct diagnostics diagnostics; /* of the policy files */
};

/* Loads `-c FILE` or its defaults. NULL: the errors are on stderr. Free with settings_free. */
struct settings *workspace_settings(const struct invocation *invocation);

/* The same for who asks the running server and nothing else: where the file is in error, which is
 * told, too, by what the server remembers of it (server/configuration_copy.h). */
struct settings *workspace_settings_of_server(const struct invocation *invocation);

static inline void workspace_settings_cleanup(struct settings **settings)
{
    settings_free(*settings);
}
#define CLEANUP_SETTINGS CLEANUP(workspace_settings_cleanup)

/* Loads both. False: the configuration cannot be used, and stderr says why. True even where policy
 * files are in error: those were told on stderr, and workspace_exit gives the exit status. */
bool workspace_open(const struct invocation *invocation, struct workspace *ret_workspace);
void workspace_clear(struct workspace *workspace);

/* What policies have where they do not say; SETTINGS may be NULL. */
struct policy_file_defaults workspace_defaults(const struct settings *settings);

/* The policies in PATHS (NULL: those that SETTINGS name), as the server of SETTINGS would have
 * them; SETTINGS may be NULL where there are paths. False: told on stderr. */
bool workspace_load_policies(const struct settings *settings, const char *const *paths,
                             size_t path_count, struct catalogue **ret_catalogue);

/* COMMAND_DONE, or COMMAND_FAILED where a policy file is in error. */
int workspace_exit(const struct workspace *workspace);

/* Whether VIEW has a policy. Else its shared one is a mirror whose text is not known yet, and E
 * says so. */
bool workspace_has_policy(const struct catalogue_view *view, struct error *e) MUST_USE;

/* Whether DOMAIN is disputed (policies/files/catalogue.h), which is then told on stderr. */
bool workspace_is_disputed(const struct catalogue *catalogue, const struct dns_name *domain);

/* One domain that the user named: normalised and found, or told on stderr. */
bool workspace_find(const struct workspace *workspace, const char *text,
                    struct catalogue_view *ret_view);

/* Calls VISIT for the domains that were named as arguments, in that order, or where none was, for
 * all of them. False: at least one was not found, or VISIT said false (which ends it). */
bool workspace_each(const struct workspace *workspace, const struct invocation *invocation,
                    bool (*visit)(const struct catalogue_view *view, void *context), void *context);

#endif
