/* A walk over DER (X.690): each step takes one element off the front. Nothing is copied. */
#ifndef LIB_CERTIFICATES_DER_H
#define LIB_CERTIFICATES_DER_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

/* Identifier octets. */
enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OBJECT = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,       /* + n: [n] IMPLICIT of something primitive */
    DER_CONTEXT_WHOLE = 0xa0, /* + n: [n] EXPLICIT, or IMPLICIT of something constructed */
};

/* Takes an element off the front of *DER, which stays as it is where this fails: there is none, it
 * has another identifier, it is longer than what is there, or of indefinite length. */
bool der_take(struct bytes *der, uint8_t identifier, struct bytes *ret_content) MUST_USE;

/* The same; what it has must be CONTENT. */
bool der_take_this(struct bytes *der, uint8_t identifier, struct bytes content) MUST_USE;

#endif
