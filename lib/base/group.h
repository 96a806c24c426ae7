/* Groups of users, by name. */
#ifndef LIB_BASE_GROUP_H
#define LIB_BASE_GROUP_H

#include <sys/types.h>

#include "lib/base/error.h"

/* ERROR_NOT_FOUND: there is no such group. */
bool group_find(const char *name, gid_t *ret_group, struct error *e) MUST_USE;

#endif
