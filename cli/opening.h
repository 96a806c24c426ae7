/* What commands begin with: the configuration and the policies of `-c FILE`, opened for them, and
 * what is wrong with these told on stderr. */
#ifndef CLI_OPENING_H
#define CLI_OPENING_H

#include "cli/invocation.h"
#include "lib/dns/resolver.h"
#include "publish/workspace.h"

/* "mtasts-host: TEXT" on stderr; false, to be returned. */
bool tell(const struct error *e);
/* The same; COMMAND_FAILED. */
int fail(const struct error *e);
/* For use cases that tell of what goes wrong on the way. */
void tell_each(const struct error *e, void *context);

/* TEXT as a mail domain, normalised. False: told, it is wrong usage. */
bool read_domain(const struct invocation *invocation, const char *text,
                 struct dns_name *ret_domain);

/* Loads `-c FILE` or its defaults. NULL: told. Free with settings_free. */
struct settings *open_settings(const struct invocation *invocation);

/* The same for who asks the running server and nothing else: where the file is in error, which is
 * told, too, by what the server remembers of it (server/configuration_copy.h). */
struct settings *open_settings_of_server(const struct invocation *invocation);

/* False: told, the configuration cannot be used. True even where policy files are in error: those
 * were told, and workspace_exit gives the exit status. Clear either way. */
bool open_workspace(const struct invocation *invocation, struct workspace *ret_workspace);
/* COMMAND_DONE, or COMMAND_FAILED where a policy file is in error. */
int workspace_exit(const struct workspace *workspace);

/* The policies in PATHS, or those of SETTINGS (publish/workspace.h). False: told. */
bool open_policies(const struct settings *settings, const char *const *paths, size_t path_count,
                   struct catalogue **ret_catalogue);

/* Whom to ask: `--resolver` where the command has it and it was given, else the servers of SETTINGS
 * (may be NULL), else the system's. */
bool open_resolver(const struct invocation *invocation, const struct settings *settings,
                   struct dns_resolver **ret_resolver, struct error *e) MUST_USE;

static inline void resolver_cleanup(struct dns_resolver **resolver)
{
    dns_resolver_free(*resolver);
}
#define CLEANUP_RESOLVER CLEANUP(resolver_cleanup)

/* TEXT becomes the file PATH, complete or not at all, and never in the place of another; "-" or
 * NULL is standard output. */
bool write_new_file(const char *path, struct bytes text, struct error *e) MUST_USE;

/* Calls VISIT for the domains that were named as arguments, in that order, or where none was, for
 * all of them. False: at least one was not found, which was told, or VISIT said false (which ends
 * it). */
bool each_named(const struct workspace *workspace, const struct invocation *invocation,
                bool (*visit)(const struct catalogue_view *view, void *context), void *context);

#endif
