/* A session lasts from the opening of the store until it fails, or the lock is got. */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H

#include "acme/ca.h"

struct acme;

struct session {
    int lock;                 /* acme.lock; -1: not held */
    struct acme_store *store; /* NULL: no session */
    char *problem;            /* why there is none, or is to be none; NULL: none */
    int64_t tried_ms;         /* when one was begun last, or the lock tried */
    char settings_digest[65]; /* hex; "its configuration" of a rejected host */
};

/* There is a session, and this process is the one that orders. */
bool acme_leads(const struct acme *acme);
/* True also where another process holds the lock; look at `lock`. */
bool session_try_lock(struct acme *acme, struct error *e) MUST_USE;
void session_begin(struct acme *acme);
void session_end(struct acme *acme);
/* By its directory's URL; NULL where that is not configured (any more), or NULL. */
struct ca *session_find_ca(const struct acme *acme, const char *directory);
/* The store failed: the session is to be ended, and the next begins from what is durable. */
void acme_store_failed(struct acme *acme, const struct error *e);
void acme_clear_problem(struct acme *acme);

#endif
