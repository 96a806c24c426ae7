/* What most commands work on: the main configuration and the policy files that it names, loaded
 * once, names that two files claim settled as the server has them (policies/files/catalogue.h). */
#ifndef PUBLISH_WORKSPACE_H
#define PUBLISH_WORKSPACE_H

#include "config/settings.h"
#include "lib/base/diagnostics.h"
#include "lib/dns/name.h"
#include "policies/files/catalogue.h"

/* Zero-initialised is empty. */
struct workspace {
    struct settings *settings;
    struct catalogue *catalogue;
    struct diagnostics configuration; /* what is wrong with the main configuration */
    struct diagnostics diagnostics;   /* of the policy files */
    char *unowned; /* why nobody could say from which file a name is served, or NULL */
};

/* Loads both: the configuration FILE, and the policies. False: the configuration cannot be used, as
 * its diagnostics tell, or E where there are none. True even where policy files are in error. Clear
 * either way. */
bool workspace_load(const char *file, struct workspace *ret_workspace, struct error *e) MUST_USE;
void workspace_clear(struct workspace *workspace);

static inline void settings_cleanup(struct settings **settings)
{
    settings_free(*settings);
}
#define CLEANUP_SETTINGS CLEANUP(settings_cleanup)

/* What policies have where they do not say; SETTINGS may be NULL. */
struct policy_file_defaults workspace_defaults(const struct settings *settings);

/* The policies in PATHS (NULL: those that SETTINGS name), as the server of SETTINGS would have
 * them; SETTINGS may be NULL where there are paths. *RET_UNOWNED as above; the caller frees it. */
bool workspace_load_policies(const struct settings *settings, const char *const *paths,
                             size_t path_count, struct catalogue **ret_catalogue,
                             char **ret_unowned, struct error *e) MUST_USE;

/* Whether VIEW has a policy. Else its shared one is a mirror whose text is not known yet, and E
 * says so. */
bool workspace_has_policy(const struct catalogue_view *view, struct error *e) MUST_USE;

/* False: DOMAIN is disputed (policies/files/catalogue.h), and E says so. */
bool workspace_is_clear(const struct catalogue *catalogue, const struct dns_name *domain,
                        struct error *e) MUST_USE;

/* One domain that the user named by TEXT, normalised and found; or E says why it is not. */
bool workspace_find(const struct workspace *workspace, const char *text,
                    struct catalogue_view *ret_view, struct error *e) MUST_USE;

#endif
