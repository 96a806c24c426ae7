/* DIR/.mtasts-host-export: the domains whose file in an exported tree an export wrote, one a line.
 * Nothing else of such a tree may be deleted. */
#ifndef PUBLISH_EXPORT_LIST_H
#define PUBLISH_EXPORT_LIST_H

#include "lib/base/directory.h"
#include "lib/base/error.h"
#include "lib/base/name_map.h"

/* What is to happen, or happened, to a listed domain's file. */
enum export_fate { EXPORT_STAYS, EXPORT_WRITTEN, EXPORT_DELETED };

/* Adds what the list of TREE names, all EXPORT_STAYS; without a list nothing. */
bool export_list_read(const struct directory_tree *tree, struct name_map *list, struct error *e)
    MUST_USE;
/* All but EXPORT_DELETED. */
bool export_list_write(const struct directory_tree *tree, const struct name_map *list,
                       struct error *e) MUST_USE;

#endif
