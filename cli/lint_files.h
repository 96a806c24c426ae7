/* Lint of policy files, each by itself and all together. */
#ifndef CLI_LINT_FILES_H
#define CLI_LINT_FILES_H

#include <stdint.h>

#include "config/settings.h"
#include "lib/base/diagnostics.h"
#include "lib/dns/resolver.h"

/* What is held against the world outside the files, as well. */
struct lint_more {
    bool leaving; /* the server's history; SETTINGS' policies are what is linted */
    const struct dns_resolver *live; /* the domains' MX records, asked of it; NULL: not */
};

/* Adds every error and warning of the files in PATHS (directories or files; NULL: those that
 * SETTINGS name). SETTINGS may be NULL where there are paths: the defaults count. MORE may be NULL.
 * False: told on stderr. */
bool lint_files(const struct settings *settings, const char *const *paths, size_t path_count,
                const struct lint_more *more, int64_t now_s, struct diagnostics *d) MUST_USE;

#endif
