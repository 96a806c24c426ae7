/* Who uses which shared policy: how many domains, and some of their names for messages. */
#ifndef POLICIES_FILES_SHARED_USERS_H
#define POLICIES_FILES_SHARED_USERS_H

#include "lib/base/name_map.h"
#include "policies/files/catalogue.h"

enum { SHARED_USERS_NAMED = 3 };

struct shared_user {
    size_t domains;
    struct bytes first[SHARED_USERS_NAMED]; /* in byte order */
};

struct shared_users {
    struct name_map names; /* shared policies to 1 + the index in `items` */
    struct shared_user *items;
    size_t count;
    size_t capacity;
};

/* Borrows names from CATALOGUE. */
void shared_users_collect(const struct catalogue *catalogue, struct shared_users *ret_users);
/* NULL where nobody uses it. */
const struct shared_user *shared_users_find(const struct shared_users *users, struct bytes name);
/* "3 domains (a.example, b.example, c.example)"; the caller frees it. */
char *shared_user_text(const struct shared_user *user);
void shared_users_clear(struct shared_users *users);

#endif
