/* What a CA handed out, looked at before it is used. */
#ifndef ACME_PROTOCOL_ISSUED_H
#define ACME_PROTOCOL_ISSUED_H

#include "lib/base/buffer.h"
#include "lib/certificates/pair_reader.h"

enum { ISSUED_CHAIN_MAX = 256 * 1024, ISSUED_ARI_ID_MAX = 128 };

struct issued {
    struct certificate_pair *pair; /* the caller unrefs */
    int64_t not_before_s;
    int64_t not_after_s;
    char ari_id[ISSUED_ARI_ID_MAX]; /* RFC 9773 §4.1: base64url(AKI) "." base64url(serial); empty
                                       where the certificate has no authority key identifier, or
                                       what comes out is too long */
};

/* What is looked at. */
struct issued_texts {
    struct pair_reader *reader; /* that reads it; may be NULL */
    struct bytes chain;         /* PEM, leaf first */
    struct bytes key;           /* PEM */
};

/* TEXTS for HOST: they parse as a pair; HOST is the leaf's one DNS name (RFC 8555 §7.4: as was
 * asked for); the dates hold NOW_S (an hour of clock skew allowed); each certificate is signed by
 * the one after it. Roots are not judged: the CA was reached over verified TLS. */
bool issued_check(const struct issued_texts *texts, const char *host, int64_t now_s,
                  struct issued *ret_issued, struct error *e) MUST_USE;

/* The same for a chain that somebody else got for HOST (`cert import`): more names and wildcards
 * that cover HOST are fine, expired is not, even by a second. */
bool issued_check_foreign(const struct issued_texts *texts, const char *host, int64_t now_s,
                          struct issued *ret_issued, struct error *e) MUST_USE;

/* Whether any certificate of CHAIN (PEM) has an issuer with the common name NAME. False too where
 * CHAIN does not parse. */
bool issued_has_issuer(struct bytes chain, const char *name);

/* Appends the leaf's DER. */
bool issued_leaf(struct bytes chain, struct buffer *der, struct error *e) MUST_USE;

#endif
