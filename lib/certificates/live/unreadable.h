/* Directories of certificates that may not be listed. What is in them is not known, so nothing else
 * would tell of it: the names would be without certificate and nobody would know why. */
#ifndef LIB_CERTIFICATES_LIVE_UNREADABLE_H
#define LIB_CERTIFICATES_LIVE_UNREADABLE_H

#include <stddef.h>

enum { UNREADABLE_MAX = 1000 }; /* more are as good as one more */

/* Zero-initialised is empty. */
struct unreadable {
    char **items;
    size_t count;
    size_t capacity;
};

void unreadable_add(struct unreadable *unreadable, const char *path);
/* PATH is about to be listed anew, with all below it. */
void unreadable_forget(struct unreadable *unreadable, const char *path);
void unreadable_clear(struct unreadable *unreadable);

/* What root is to run so that USER may read the tree TOP; the caller frees it. certbot's live/ is
 * nothing without archive/, where its links lead. Pure. */
char *unreadable_advice(const char *top, const char *user);

#endif
