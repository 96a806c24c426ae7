/* For EC_KEY and ECDSA_sign: EVP has no way to sign with a number at hand, but makes a curve for
 * each key. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "ec_signature.h"

#include <stdbool.h>

#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "provider/dispatch.h"
#include "provider/octet_key.h"

enum { SIGNATURE_MAX = 72 }; /* ECDSA-Sig-Value with two numbers of 33 octets, RFC 3279 §2.2.3 */

/* Constant once they are made. */
static OSSL_LIB_CTX *random_library;
static EC_GROUP *group;
static struct {
    OSSL_FUNC_signature_newctx_fn *new;
    OSSL_FUNC_signature_freectx_fn *free;
    OSSL_FUNC_signature_digest_sign_init_fn *init;
    OSSL_FUNC_signature_digest_sign_update_fn *update;
    OSSL_FUNC_signature_digest_sign_final_fn *final;
} theirs;

struct signature {
    void *their;                 /* the default provider's operation, or */
    const struct octet_key *key; /* lives as long as the operation: EVP holds it */
    EVP_MD *digest;
};

static void *signature_new(void *context, const char *properties)
{
    struct signature *signature = OPENSSL_zalloc(sizeof(*signature));
    if (signature != NULL && (signature->their = theirs.new(context, properties)) == NULL) {
        OPENSSL_free(signature);
        return NULL;
    }
    return signature;
}

static void signature_free(void *data)
{
    struct signature *signature = data;
    theirs.free(signature->their);
    EVP_MD_free(signature->digest);
    OPENSSL_free(signature);
}

static int signature_init(void *data, const char *digest, void *address, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    signature->key = octet_key_at(address);
    if (signature->key == NULL) {
        return theirs.init(signature->their, digest, address, params);
    }
    EVP_MD_free(signature->digest);
    signature->digest = EVP_MD_fetch(random_library, digest, NULL);
    return signature->key->is_private && signature->digest != NULL;
}

/* The caller frees it with EC_KEY_free. NULL: out of memory, or the number is none of a key. */
static EC_KEY *ec_key_of(const struct octet_key *key)
{
    EC_KEY *made = EC_KEY_new_ex(random_library, NULL);
    BIGNUM *scalar = BN_secure_new();
    bool done = made != NULL && scalar != NULL &&
                BN_bin2bn(key->scalar, OCTET_KEY_SCALAR, scalar) != NULL &&
                EC_KEY_set_group(made, group) == 1 && EC_KEY_set_private_key(made, scalar) == 1;
    BN_clear_free(scalar);
    if (!done) {
        EC_KEY_free(made);
        return NULL;
    }
    return made;
}

static int sign_with(const struct signature *signature, unsigned char *out, size_t *ret_n,
                     const unsigned char *text, size_t n)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_n = 0;
    unsigned int out_n = 0;
    EC_KEY *key = ec_key_of(signature->key);
    bool done = key != NULL &&
                EVP_Digest(text, n, digest, &digest_n, signature->digest, NULL) == 1 &&
                ECDSA_sign(0, digest, (int)digest_n, out, &out_n, key) == 1;
    EC_KEY_free(key);
    *ret_n = out_n;
    return done;
}

static int signature_sign(void *data, unsigned char *out, size_t *ret_n, size_t size,
                          const unsigned char *text, size_t n)
{
    const struct signature *signature = data;
    if (signature->key == NULL) {
        return (out == NULL || theirs.update(signature->their, text, n) == 1) &&
               theirs.final(signature->their, out, ret_n, size) == 1;
    }
    if (out == NULL) {
        *ret_n = SIGNATURE_MAX;
        return 1;
    }
    return size >= SIGNATURE_MAX && sign_with(signature, out, ret_n, text, n);
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))signature_new},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))signature_free},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))signature_init},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))signature_sign},
    {0, NULL},
};

const OSSL_DISPATCH *ec_signature_functions(const OSSL_DISPATCH *their_functions,
                                            OSSL_LIB_CTX *library)
{
    random_library = library;
    group = EC_GROUP_new_by_curve_name_ex(library, NULL, NID_X9_62_prime256v1);
    bool known = group != NULL && DISPATCH_FIND(theirs.new, their_functions, SIGNATURE_NEWCTX) &&
                 DISPATCH_FIND(theirs.free, their_functions, SIGNATURE_FREECTX) &&
                 DISPATCH_FIND(theirs.init, their_functions, SIGNATURE_DIGEST_SIGN_INIT) &&
                 DISPATCH_FIND(theirs.update, their_functions, SIGNATURE_DIGEST_SIGN_UPDATE) &&
                 DISPATCH_FIND(theirs.final, their_functions, SIGNATURE_DIGEST_SIGN_FINAL);
    return known ? FUNCTIONS : NULL;
}
