/* What the user means with a path that he has linted: told once where it is no policy file, not as
 * an error for each of its keys. */
#ifndef PUBLISH_LINT_PATH_H
#define PUBLISH_LINT_PATH_H

#include <stdbool.h>

#include "lib/base/diagnostics.h"

/* Whether PATH is something to read as policies; else an error in D. */
bool lint_path_is_policy(const char *path, struct diagnostics *d);

#endif
