/* Sets the watches that one tree needs: on each directory that a listing of it reads, and on each
 * directory that the way there leads through, up from the root and along symbolic links. Each watch
 * is set before what it watches is looked at: what comes later is told by an event. */
#ifndef WATCH_TREE_H
#define WATCH_TREE_H

#include "watch/descriptors.h"

enum { TREE_LINKS_MAX = 40 }; /* links followed on one way, as the kernel's MAXSYMLINKS */

/* Walks all of TREE anew and drops what is no longer part of it. */
void tree_walk_all(struct watch_tree *tree, struct descriptors *descriptors);

/* PATH, a name in a listed directory, has come into being or been replaced. Marks the tree dirty
 * where only a walk of all of it can tell what that means. */
void tree_walk_entry(struct watch_tree *tree, struct descriptors *descriptors, const char *path);

/* Whether PATH leads to NAME in the directory that NUMBER watches, or to nothing: reasons of a link
 * that leads elsewhere now are there until the next walk. */
bool tree_leads_to(struct descriptors *descriptors, const char *path, int number, const char *name);

#endif
