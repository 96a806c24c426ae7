/* What the ACME client must not forget: accounts, hosts, orders, certificates with their keys, and
 * how long a CA asked us to wait.
 *
 * SQLite (WAL, synchronous=FULL: what was committed survives a power cut), file `acme.db` in the
 * state directory, 0600: it holds private keys. One handle per thread; several processes may have
 * it open. No ACME logic here: times are seconds since 1970 and come from the caller.
 *
 * Writes between acme_store_begin and acme_store_commit are one transaction. The ACME thread
 * commits once per turn of its loop and sends its requests after that, so that whatever a request
 * depends on is durable before it leaves, and a thousand orders cost one fsync.
 *
 * Rows filled in by a find are copies: texts are owned by the struct, and freed with its _clear.
 * Private keys are wiped there. Rows handed to a visitor are valid during the call; a visitor may
 * find other rows, but neither write nor walk.
 *
 * Where a row holds a text over ACME_STORE_TEXT_MAX octets, putting it is ERROR_LIMIT. Removing
 * what is not there changes nothing. */
#ifndef ACME_STORE_ACME_STORE_H
#define ACME_STORE_ACME_STORE_H

#include <stdint.h>

#include "acme/machine/trouble.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"

enum { ACME_STORE_TEXT_MAX = 512 * 1024 };

struct acme_store;

bool acme_store_open(const char *path, struct acme_store **ret_store, struct error *e) MUST_USE;
/* As above, but never makes the file: ERROR_NOT_FOUND where there is none. For the command line. */
bool acme_store_open_existing(const char *path, struct acme_store **ret_store, struct error *e)
    MUST_USE;
/* What was begun and not committed is rolled back. NULL is fine. */
void acme_store_close(struct acme_store *store);

bool acme_store_begin(struct acme_store *store, struct error *e) MUST_USE;
bool acme_store_commit(struct acme_store *store, struct error *e) MUST_USE;

/* A number that changes when another connection has committed something (PRAGMA data_version). */
bool acme_store_version(struct acme_store *store, int64_t *ret_version, struct error *e) MUST_USE;

/* --- Accounts: one per directory URL --- */

struct acme_store_account {
    char *directory;   /* the CA's directory URL: the key */
    char *key;         /* PEM */
    char *url;         /* NULL: not registered yet */
    char *next_key;    /* PEM: a key rollover is under way; NULL: none */
    double tokens;     /* of the bucket of new orders … */
    int64_t tokens_s;  /* … as it stood then */
    int64_t wait_s;    /* the CA asked that this account does nothing before; 0: nothing */
    int64_t ca_wait_s; /* the same for the CA as a whole */
};
/* ERROR_NOT_FOUND where there is none. */
bool acme_store_find_account(struct acme_store *store, const char *directory,
                             struct acme_store_account *ret_account, struct error *e) MUST_USE;
/* Adds or replaces. */
bool acme_store_put_account(struct acme_store *store, const struct acme_store_account *account,
                            struct error *e) MUST_USE;
void acme_store_account_clear(struct acme_store_account *account);

/* --- Hosts: what went wrong last, and when to try again --- */

struct acme_store_host {
    char *name; /* mta-sts.DOMAIN: the key */
    enum acme_host_trouble trouble;
    unsigned failures;  /* in a row */
    unsigned challenge; /* place in the configured list that is tried next */
    int64_t next_s;     /* not before; 0: at once */
    char *problem;      /* in the CA's or our own words; NULL: none */
    char *settings;     /* digest of the ACME settings when it was rejected; NULL */
};
bool acme_store_put_host(struct acme_store *store, const struct acme_store_host *host,
                         struct error *e) MUST_USE;
bool acme_store_find_host(struct acme_store *store, const char *name,
                          struct acme_store_host *ret_host, struct error *e) MUST_USE;
bool acme_store_remove_host(struct acme_store *store, const char *name, struct error *e) MUST_USE;
/* By name. */
bool acme_store_each_host(struct acme_store *store,
                          void (*visit)(const struct acme_store_host *host, void *context),
                          void *context, struct error *e) MUST_USE;
void acme_store_host_clear(struct acme_store_host *host);

/* --- Orders: at most one per host --- */

struct acme_store_order {
    char *host;      /* the key */
    char *directory; /* of the CA */
    char *account;   /* URL of the account that placed it */
    char *url;       /* the order's; NULL: newOrder may have been sent, its answer is not known */
    char *key;       /* PEM, of the certificate to come */
    char *csr;       /* DER … */
    size_t csr_octets;
    int64_t begun_s;
};
bool acme_store_put_order(struct acme_store *store, const struct acme_store_order *order,
                          struct error *e) MUST_USE;
/* ERROR_NOT_FOUND where there is none. */
bool acme_store_find_order(struct acme_store *store, const char *host,
                           struct acme_store_order *ret_order, struct error *e) MUST_USE;
bool acme_store_remove_order(struct acme_store *store, const char *host, struct error *e) MUST_USE;
bool acme_store_each_order(struct acme_store *store,
                           void (*visit)(const struct acme_store_order *order, void *context),
                           void *context, struct error *e) MUST_USE;
void acme_store_order_clear(struct acme_store_order *order);

/* --- Certificates: one per host --- */

struct acme_store_certificate {
    int64_t id;      /* grows with every put: what is new has a greater one */
    char *host;      /* the key */
    char *chain;     /* PEM, leaf first */
    char *key;       /* PEM */
    char *directory; /* of the CA that issued it; NULL: imported */
    char *account;   /* URL of the account that ordered it; NULL: imported */
    int64_t not_before_s;
    int64_t not_after_s;
    char *ari_id;        /* RFC 9773 §4.1; NULL: none */
    int64_t ari_start_s; /* the window that the CA named; 0: none yet */
    int64_t ari_end_s;
    int64_t renew_s;    /* the moment chosen for the renewal; 0: none yet */
    int64_t ari_next_s; /* when to ask for the window again */
    bool revoked;
};
/* Adds or replaces the host's; sets *RET_ID where RET_ID is not NULL. */
bool acme_store_put_certificate(struct acme_store *store,
                                const struct acme_store_certificate *certificate, int64_t *ret_id,
                                struct error *e) MUST_USE;
/* Changes ari_start_s, ari_end_s, renew_s, ari_next_s and revoked of the host's certificate; its id
 * stays. ERROR_NOT_FOUND where the host has none. */
bool acme_store_note_certificate(struct acme_store *store,
                                 const struct acme_store_certificate *certificate, struct error *e)
    MUST_USE;
bool acme_store_find_certificate(struct acme_store *store, const char *host,
                                 struct acme_store_certificate *ret_certificate, struct error *e)
    MUST_USE;
bool acme_store_remove_certificate(struct acme_store *store, const char *host, struct error *e)
    MUST_USE;
/* Those with an id greater than AFTER, in the order of their ids. VISIT returns false to end. */
bool acme_store_each_certificate(struct acme_store *store, int64_t after,
                                 bool (*visit)(const struct acme_store_certificate *certificate,
                                               void *context),
                                 void *context, struct error *e) MUST_USE;
void acme_store_certificate_clear(struct acme_store_certificate *certificate);

#endif
