/* The pairs of chain and key in a tree, one after the other: lib/certificates/certificate_tree.h on
 * what lib/watch/watch.h lists. */
#ifndef PUBLISH_CERTIFICATES_PAIR_FILES_H
#define PUBLISH_CERTIFICATES_PAIR_FILES_H

#include "lib/certificates/pair.h"

/* A pair as it was found, valid during the visit. */
struct pair_file {
    const char *path;                    /* of the chain */
    const struct certificate_pair *pair; /* NULL: it cannot be read or parsed … */
    const struct error *e;               /* … and why */
};

/* Calls VISIT for each pair below DIRECTORY, and for each part of it that cannot be read. A key
 * without its chain is no pair. False: DIRECTORY is missing or cannot be read. */
bool pair_files_each(const char *directory,
                     void (*visit)(const struct pair_file *file, void *context), void *context,
                     struct error *e) MUST_USE;

#endif
