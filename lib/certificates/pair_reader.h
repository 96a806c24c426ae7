/* Reads PEM files into pairs (lib/certificates/pair.h). It makes none of OpenSSL's objects
 * (lib/certificates/certificate_view.h).
 *
 *     struct pair_reader *reader = pair_reader_new(pool);       one per thread
 *     struct pair_text chain = {…}, key = {…};
 *     pair_reader_read(reader, &chain, &key, &pair, &e)
 *     pair_reader_free(reader);
 *
 * Refused are: no or too many certificates, a key that does not match the leaf, encrypted keys, key
 * types other than RSA (≥ 2048) and ECDSA (P-256, P-384, P-521), a leaf without DNS names in its
 * SANs (the subject's CN does not count, RFC 6125). An expired certificate is accepted: serving it
 * lets `status` and senders say what is wrong.
 *
 * Readers may share a pool: intermediates that it has were checked, and are not looked at again. */
#ifndef LIB_CERTIFICATES_PAIR_READER_H
#define LIB_CERTIFICATES_PAIR_READER_H

#include "lib/certificates/pair.h"

struct pair_reader;

/* Takes a reference to POOL. */
struct pair_reader *pair_reader_new(struct chain_pool *pool);
/* NULL is fine. */
void pair_reader_free(struct pair_reader *reader);

struct pair_text {
    struct bytes text;
    const char *path;                     /* for messages; the chain's becomes the pair's */
    const struct file_identity *identity; /* becomes the pair's; NULL: not from a file */
};

/* CHAIN has the leaf first. KEY may be CHAIN itself, where one text holds both. READER NULL: for
 * one pair, whose intermediates are its own. */
bool pair_reader_read(struct pair_reader *reader, const struct pair_text *chain,
                      const struct pair_text *key, struct certificate_pair **ret_pair,
                      struct error *e) MUST_USE;

/* The same for who reads very many and loses no other pair by it. *RET_PROVEN false: the file of
 * the key says that its public key is the certificate's, so the two were not mixed up; that its
 * private number is undamaged is the greater part of the work, and left to pair_reader_prove. */
bool pair_reader_read_quickly(struct pair_reader *reader, const struct pair_text *chain,
                              const struct pair_text *key, struct certificate_pair **ret_pair,
                              bool *ret_proven, struct error *e) MUST_USE;

/* Whether the key of PAIR, which was not proven, belongs to its certificate. */
bool pair_reader_prove(struct pair_reader *reader, const struct certificate_pair *pair) MUST_USE;

#endif
