/* Sets the watches that one tree needs: on each directory that a listing of it reads, and on each
 * directory that the way there leads through, up from the root and along symbolic links. Each watch
 * is set before what it watches is looked at: what comes later is told by an event. */
#ifndef LIB_WATCH_TREE_H
#define LIB_WATCH_TREE_H

#include "lib/watch/descriptors.h"

enum { TREE_LINKS_MAX = 40 }; /* links followed on one way, as the kernel's MAXSYMLINKS */

/* Walks all of TREE anew and drops what is no longer part of it. */
void tree_walk_all(struct watch_tree *tree, struct descriptors *descriptors);

/* PATH, a name in a listed directory, has come into being or been replaced. Marks the tree dirty
 * where only a walk of all of it can tell what that means. */
void tree_walk_entry(struct watch_tree *tree, struct descriptors *descriptors, const char *path);

/* What PATH leads to now. Reasons that a link gave are there until the next walk of all, wherever
 * it leads meanwhile. */
enum tree_lead { TREE_NOWHERE, TREE_ELSEWHERE, TREE_THERE };

/* Whether that is NAME in the directory that NUMBER watches. */
enum tree_lead tree_find_lead(struct descriptors *descriptors, const char *path, int number,
                              const char *name);

#endif
