/* The blocks of a PEM file (RFC 7468), one after the other; what stands between them is skipped.
 *
 *     struct pem_reader *reader = pem_reader_new(text);
 *     while (pem_reader_next(reader, &block)) …
 *     if (pem_reader_damaged(reader)) …
 *     pem_reader_free(reader); */
#ifndef LIB_CERTIFICATES_PEM_H
#define LIB_CERTIFICATES_PEM_H

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

struct pem_reader;

struct pem_block {
    const char *label; /* "CERTIFICATE" */
    struct bytes der;  /* decoded */
    bool encrypted;    /* its headers say so (RFC 1421 §4.6.1.1) */
};

/* TEXT is borrowed. */
struct pem_reader *pem_reader_new(struct bytes text);
/* Wipes what was read. NULL is fine. */
void pem_reader_free(struct pem_reader *reader);

/* False: no more, or damaged. The block is valid until the next call. */
bool pem_reader_next(struct pem_reader *reader, struct pem_block *ret_block) MUST_USE;
bool pem_reader_damaged(const struct pem_reader *reader);

#endif
