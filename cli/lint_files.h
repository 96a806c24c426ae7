/* Lint of policy files, each by itself and all together. */
#ifndef CLI_LINT_FILES_H
#define CLI_LINT_FILES_H

#include <stdint.h>

#include "base/diagnostics.h"
#include "config/settings.h"

/* Adds every error and warning of the files in PATHS (directories or files). SETTINGS may be NULL:
 * the defaults count. False: told on stderr. */
bool lint_files(const struct settings *settings, const char *const *paths, size_t path_count,
                int64_t now_s, struct diagnostics *d) MUST_USE;

#endif
