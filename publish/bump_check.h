/* Which ids are out of step, for `bump-id --check`. Pure. */
#ifndef PUBLISH_BUMP_CHECK_H
#define PUBLISH_BUMP_CHECK_H

#include "publish/bump_plan.h"

/* Why the id of CHANGE is out of step, or NULL: it is stale; a foreign one only with STRICT, or
 * where it stayed although its policy changed since OLDER (may be NULL). */
const char *bump_check_change(const struct bump_change *change, const struct catalogue *older,
                              bool strict);

/* Whether id and policy of CHANGE are those of OLDER (may be NULL). The server's history cannot say
 * so: it may have begun after the text that the id was published for. */
bool bump_check_is_unchanged(const struct bump_change *change, const struct catalogue *older);

/* Whether VIEW's domain went over to another policy with another text since OLDER; its record
 * changes then, though no id in the files does. */
bool bump_check_is_move(const struct catalogue_view *view, const struct catalogue *older);
/* The same, under one and the same id *RET_ID: no sender would notice. */
bool bump_check_has_stayed(const struct catalogue_view *view, const struct catalogue *older,
                           struct policy_id *ret_id);

#endif
