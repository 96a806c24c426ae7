#include "kept_algorithms.h"

#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>

#include "lib/base/memory.h"

/* By the first of their names, as in OSSL_PROVIDER-default(7), each under the operations that are
 * served and no others: "EC" is a KEM as well in OpenSSL 3.2 and later, whose functions know
 * nothing of a certificate's key in octets. TLS 1.2 and 1.3 with the ciphers, groups and signatures
 * of server/engine/tls.c; random numbers; what session tickets are sealed with; SHA-1 for the
 * digest by which OpenSSL tells certificates apart. X25519MLKEM768 is there from OpenSSL 3.5 on;
 * what it is made of it takes from the whole default provider. */
static const struct {
    int operation;
    const char *name;
} KEPT[] = {
    {OSSL_OP_DIGEST, "SHA1"},
    {OSSL_OP_DIGEST, "SHA2-256"},
    {OSSL_OP_DIGEST, "SHA2-384"},
    {OSSL_OP_DIGEST, "SHA2-512"},
    {OSSL_OP_CIPHER, "AES-128-GCM"},
    {OSSL_OP_CIPHER, "AES-256-GCM"},
    {OSSL_OP_CIPHER, "ChaCha20-Poly1305"},
    {OSSL_OP_CIPHER, "AES-256-CBC"},
    {OSSL_OP_CIPHER, "AES-256-CTR"},
    {OSSL_OP_MAC, "HMAC"},
    {OSSL_OP_KDF, "HKDF"},
    {OSSL_OP_KDF, "TLS13-KDF"},
    {OSSL_OP_KDF, "TLS1-PRF"},
    {OSSL_OP_RAND, "CTR-DRBG"},
    {OSSL_OP_RAND, "SEED-SRC"},
    {OSSL_OP_KEYMGMT, "HMAC"}, /* a ticket's binder, RFC 8446 §4.2.11.2 */
    {OSSL_OP_KEYMGMT, "X25519"},
    {OSSL_OP_KEYMGMT, "X25519MLKEM768"},
    {OSSL_OP_KEYMGMT, "EC"},
    {OSSL_OP_KEYMGMT, "RSA"},
    {OSSL_OP_KEYMGMT, "RSA-PSS"},
    {OSSL_OP_KEYEXCH, "X25519"},
    {OSSL_OP_KEYEXCH, "ECDH"},
    {OSSL_OP_SIGNATURE, "HMAC"},
    {OSSL_OP_SIGNATURE, "ECDSA"},
    {OSSL_OP_SIGNATURE, "RSA"},
    {OSSL_OP_KEM, "X25519MLKEM768"},
};

bool kept_algorithm_is(const OSSL_ALGORITHM *algorithm, const char *name)
{
    size_t n = strcspn(algorithm->algorithm_names, ":");
    return strlen(name) == n && strncasecmp(algorithm->algorithm_names, name, n) == 0;
}

/* Of a certificate's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
static bool is_kept_decoder(const OSSL_ALGORITHM *decoder)
{
    return (kept_algorithm_is(decoder, "EC") || kept_algorithm_is(decoder, "RSA")) &&
           strstr(decoder->property_definition, "input=der") != NULL &&
           strstr(decoder->property_definition, "structure=SubjectPublicKeyInfo") != NULL;
}

bool kept_algorithm(int operation, const OSSL_ALGORITHM *algorithm)
{
    if (operation == OSSL_OP_DECODER) {
        return is_kept_decoder(algorithm);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(KEPT); i++) {
        if (KEPT[i].operation == operation && kept_algorithm_is(algorithm, KEPT[i].name)) {
            return true;
        }
    }
    return false;
}
