/* `bump-id --check`: which ids are out of step, one line each, for pipelines. */
#ifndef CLI_BUMP_CHECK_H
#define CLI_BUMP_CHECK_H

#include <stdio.h>

#include "cli/bump_plan.h"
#include "cli/older_copy.h"
#include "policies/files/catalogue.h"

/* Prints those of PLAN that are out of step: every stale id; a foreign one only with STRICT, or
 * where it stayed although its policy changed since OLDER (may be NULL). True: there was none. */
bool bump_check_print(const struct bump_plan *plan, const struct older_copy *older, bool strict,
                      FILE *out);

/* The same for a domain that went over to another policy since OLDER, under one and the same id:
 * no sender would notice. */
bool bump_check_domain(const struct catalogue_view *view, const struct older_copy *older,
                       FILE *out);

#endif
