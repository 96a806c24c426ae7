/* What the store knows about each host that has a certificate of ours or wants one, joined by name:
 * certificate, order under way, last trouble. Chains and keys stay in the store: a row is small. */
#ifndef PUBLISH_CERTIFICATES_CERT_ROWS_H
#define PUBLISH_CERTIFICATES_CERT_ROWS_H

#include "acme/acme.h"
#include "acme/store/acme_store.h"
#include "lib/base/name_map.h"

struct cert_row {
    bool has_certificate;
    bool revoked;
    bool ordering;
    int64_t not_before_s;
    int64_t not_after_s;
    int64_t renew_s;
    char *directory; /* of the certificate; NULL: imported, or there is none */
    enum acme_host_trouble trouble;
    unsigned failures;
    int64_t next_s;
    char *problem; /* NULL: none */
};

/* Zero-initialised is empty. */
struct cert_rows {
    struct name_map names; /* each host, and the place of its row */
    struct cert_row *rows;
    size_t count;
    size_t capacity;
};

/* Adds what STORE has. */
bool cert_rows_read(struct cert_rows *rows, struct acme_store *store, struct error *e) MUST_USE;
/* The row of HOST, made empty where it is missing. Valid until the next add. */
struct cert_row *cert_rows_add(struct cert_rows *rows, struct bytes host);
void cert_rows_clear(struct cert_rows *rows);

/* The state in the running client's words. What `certificates` has is not looked at: never
 * ACME_STATE_COVERED. */
enum acme_state cert_row_state(const struct cert_row *row, int64_t now_s);

void cert_row_set_certificate(struct cert_row *row,
                              const struct acme_store_certificate *certificate);
void cert_row_set_host(struct cert_row *row, const struct acme_store_host *host);
void cert_row_clear(struct cert_row *row);

#endif
