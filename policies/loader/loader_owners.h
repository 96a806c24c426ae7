/* Which files have names where they are served: for the command line, which reads the same files
 * without having seen them change. */
#ifndef POLICIES_LOADER_LOADER_OWNERS_H
#define POLICIES_LOADER_LOADER_OWNERS_H

#include "policies/loader/loader.h"

struct loader_owner {
    char *name;  /* "x.example", "@google" */
    char *entry; /* of `policies`; NULL: nothing is served under this name */
    char *path;  /* below it; "" where it is the file itself */
    unsigned char digest[POLICY_DIGEST_OCTETS];
};

struct loader_owners {
    size_t count;
    struct loader_owner items[];
};
void loader_owners_free(struct loader_owners *owners);

/* Any thread. Copies NAMES; DONE as loader_ask_status's, takes the answer. */
void loader_ask_owners(struct loader *loader, const struct bytes *names, size_t count,
                       void (*done)(struct loader_owners *owners, void *context), void *context);

#endif
