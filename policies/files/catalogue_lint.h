/* Lint of policy files, each by itself and all together. Pure. */
#ifndef POLICIES_FILES_CATALOGUE_LINT_H
#define POLICIES_FILES_CATALOGUE_LINT_H

#include "policies/files/catalogue.h"

/* Adds every error and warning of the files of CATALOGUE, and what they have against each other. */
void catalogue_lint(const struct catalogue *catalogue, int64_t now_s, struct diagnostics *d);

#endif
