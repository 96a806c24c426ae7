/* The blocks of a pair's PEM files that count: certificates and the private key, decoded and not
 * yet looked into. */
#ifndef LIB_CERTIFICATES_PAIR_BLOCKS_H
#define LIB_CERTIFICATES_PAIR_BLOCKS_H

#include "lib/base/buffer.h"
#include "lib/certificates/pair_reader.h"
#include "lib/certificates/private_key.h"

struct pair_blocks {
    struct buffer certificates; /* DER, one after the other */
    size_t leaf_length;
    size_t certificate_count;
    struct buffer key_der;
    struct private_key key; /* a view into it */
};

/* Fills in *BLOCKS, which is zero before, and which the caller clears even where this fails. */
bool pair_blocks_read(struct pair_blocks *blocks, const struct pair_text *chain,
                      const struct pair_text *key, struct error *e) MUST_USE;
/* Wipes the key. */
void pair_blocks_clear(struct pair_blocks *blocks);

#endif
