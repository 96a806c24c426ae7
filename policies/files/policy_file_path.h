/* Paths of policy files: which names are theirs, and why one cannot be read, in the same words for
 * who serves and for the command line. */
#ifndef POLICIES_FILES_POLICY_FILE_PATH_H
#define POLICIES_FILES_POLICY_FILE_PATH_H

#include <stdbool.h>

#include "lib/base/diagnostics.h"
#include "lib/base/error.h"

/* Whether a file found in a directory is a policy file: by the end of its name, .yaml or .yml. */
bool policy_file_path_counts(const char *path);

/* Why the system said no, without the words about what was tried. A part of E, or static. */
const char *policy_file_path_reason(const struct error *e);

/* Adds to PROBLEMS that PATH cannot be read, and what to do. */
void policy_file_path_tell_unreadable(struct diagnostics *problems, const char *path,
                                      const struct error *e);

#endif
