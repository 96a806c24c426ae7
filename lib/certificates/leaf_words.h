/* What a certificate says of itself, for people. */
#ifndef LIB_CERTIFICATES_LEAF_WORDS_H
#define LIB_CERTIFICATES_LEAF_WORDS_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct leaf_words {
    struct buffer names; /* of the SANs, each with a NUL after it (lib/certificates/san_names.h) */
    size_t name_count;
    char *issuer; /* "CN=R11,O=Let's Encrypt,C=US" (RFC 2253) */
    char *serial; /* hex digits */
};

/* Of the first certificate in CHAIN (PEM). Clear it. */
bool leaf_words_read(struct bytes chain, struct leaf_words *ret_words, struct error *e) MUST_USE;
void leaf_words_clear(struct leaf_words *words);

#endif
