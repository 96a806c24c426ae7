/* A certificate's key on P-256 as its octets, for what a server does with one: it is decoded from
 * the certificate, given its private number, and signs.
 *
 * For each key OpenSSL 3.0 makes the curve anew, twice for a certificate with its private key, and
 * checks that the point lies on it: half of what opening a pair took. Here the curve is there once,
 * and a key is 97 octets. Nobody looks whether the point lies on the curve, and nobody computes
 * with it: pairs are proven where they are read (lib/certificates/pair_reader.h).
 *
 * To OpenSSL these are keys of the one EC that lib/tls/tls_library.h offers. Their addresses
 * have the lowest bit set, by which they are told from the default provider's own. */
#ifndef LIB_TLS_OCTET_KEY_H
#define LIB_TLS_OCTET_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/bytes.h"

enum {
    OCTET_KEY_SCALAR = 32,
    OCTET_KEY_POINT = 1 + 2 * 32, /* uncompressed, RFC 5480 §2.2 */
    OCTET_KEY_SIGNATURE_MAX = 72, /* ECDSA-Sig-Value, two numbers of 33 octets, RFC 3279 §2.2.3 */
};

struct octet_key {
    unsigned char point[OCTET_KEY_POINT];
    unsigned char scalar[OCTET_KEY_SCALAR]; /* big-endian */
    bool is_private;                        /* whether there is a scalar */
};

/* The key at ADDRESS, which a function of a provider was handed. NULL: it is the default
 * provider's. */
static inline struct octet_key *octet_key_at(const void *address)
{
    bool tagged = ((uintptr_t)address & 1) != 0;
    return tagged ? (struct octet_key *)((char *)address - 1) : NULL;
}

static inline void *octet_key_address(struct octet_key *key)
{
    return (char *)key + 1;
}

/* The caller frees it with octet_key_free. In secret memory, never NULL. */
struct octet_key *octet_key_new(const unsigned char point[static OCTET_KEY_POINT]);
void octet_key_free(struct octet_key *key);

/* Makes KEY, the public one of a certificate, the whole key: it can sign from now on. SCALAR as in
 * RFC 5915's privateKey, copied. False: KEY is none of these, or SCALAR is zero or longer than
 * the group's order; whether it is KEY's was proven before. Not while another thread uses KEY. */
bool octet_key_complete(EVP_PKEY *key, struct bytes scalar);

/* Whether KEY is one of these. */
bool octet_key_is(const EVP_PKEY *key);

/* The parameter that these alone have: 1. */
#define OCTET_KEY_PARAM "mtasts-host-octets"

#endif
