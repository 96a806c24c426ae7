/* A pair as two texts, whatever files it came from: some hold chain and key in one, with words in
 * between. */
#ifndef LIB_CERTIFICATES_PAIR_PEM_H
#define LIB_CERTIFICATES_PAIR_PEM_H

#include "lib/base/buffer.h"
#include "lib/certificates/pair.h"

struct pair_pem {
    struct buffer chain; /* PEM, leaf first */
    struct buffer key;   /* PKCS #8 PEM */
};

bool pair_pem_make(const struct certificate_pair *pair, struct pair_pem *ret_pem, struct error *e)
    MUST_USE;
/* Wipes the key. */
void pair_pem_clear(struct pair_pem *pem);

#endif
