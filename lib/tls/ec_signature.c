/* For EC_KEY and ECDSA_sign: EVP has no way to sign with a number at hand, but makes a curve for
 * each key. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "ec_signature.h"

#include <pthread.h>
#include <stdbool.h>
#include <strings.h>

#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/base/memory.h"
#include "lib/tls/octet_key.h"
#include "lib/tls/tls_part.h"

/* Constant once they are made. */
static OSSL_LIB_CTX *random_library;
static EC_GROUP *group;
static pthread_key_t keys_of_threads; /* an EC_KEY each */
/* Those of the signatures in server/tls.c, by both names that OpenSSL has for each. */
static struct {
    const char *names[2];
    EVP_MD *digest;
} digests[] = {
    {{"SHA256", "SHA2-256"}, NULL}, {{"SHA384", "SHA2-384"}, NULL}, {{"SHA512", "SHA2-512"}, NULL}};
static struct {
    OSSL_FUNC_signature_newctx_fn *new;
    OSSL_FUNC_signature_freectx_fn *free;
    OSSL_FUNC_signature_digest_sign_init_fn *init;
    OSSL_FUNC_signature_digest_sign_update_fn *update;
    OSSL_FUNC_signature_digest_sign_final_fn *final;
} theirs;

struct signature {
    void *context;               /* the provider's */
    void *their;                 /* with a key of the default provider's: its operation */
    const struct octet_key *key; /* or one of ours, which EVP holds as long as the operation */
    const EVP_MD *digest;
};

static void *signature_new(void *context, const char *properties)
{
    (void)properties;
    struct signature *signature = OPENSSL_zalloc(sizeof(*signature));
    if (signature != NULL) {
        signature->context = context;
    }
    return signature;
}

static void signature_free(void *data)
{
    struct signature *signature = data;
    if (signature->their != NULL) {
        theirs.free(signature->their);
    }
    OPENSSL_free(signature);
}

static const EVP_MD *find_digest(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(digests) && name != NULL; i++) {
        if (strcasecmp(name, digests[i].names[0]) == 0 ||
            strcasecmp(name, digests[i].names[1]) == 0) {
            return digests[i].digest;
        }
    }
    return NULL;
}

static int signature_init(void *data, const char *digest, void *address, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    signature->key = octet_key_at(address);
    tls_part_note(TLS_PART_SIGNATURES, signature->key != NULL);
    if (signature->key != NULL) {
        signature->digest = find_digest(digest);
        return signature->key->is_private && signature->digest != NULL;
    }
    if (signature->their == NULL) {
        signature->their = theirs.new(signature->context, NULL);
    }
    return signature->their != NULL && theirs.init(signature->their, digest, address, params);
}

/* The curve without a number. Each thread keeps one: made anew, an EC_KEY copies its curve, 12,000
 * instructions a signature. NULL: out of memory. */
static EC_KEY *key_of_thread(void)
{
    EC_KEY *key = pthread_getspecific(keys_of_threads);
    if (key != NULL) {
        return key;
    }
    key = EC_KEY_new_ex(random_library, NULL);
    if (key == NULL || EC_KEY_set_group(key, group) != 1 ||
        pthread_setspecific(keys_of_threads, key) != 0) {
        EC_KEY_free(key);
        return NULL;
    }
    return key;
}

static void free_key_of_thread(void *key)
{
    EC_KEY_free(key);
}

/* False: out of memory, or the number is none of a key. */
static bool set_scalar(EC_KEY *key, const struct octet_key *octets)
{
    BIGNUM *scalar = BN_secure_new();
    bool done = scalar != NULL && BN_bin2bn(octets->scalar, OCTET_KEY_SCALAR, scalar) != NULL &&
                EC_KEY_set_private_key(key, scalar) == 1;
    BN_clear_free(scalar);
    return done;
}

static int sign_with(const struct signature *signature, unsigned char *out, size_t *ret_n,
                     const unsigned char *text, size_t n)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_n = 0;
    unsigned int out_n = 0;
    EC_KEY *key = key_of_thread();
    bool done = key != NULL && set_scalar(key, signature->key) &&
                EVP_Digest(text, n, digest, &digest_n, signature->digest, NULL) == 1 &&
                ECDSA_sign(0, digest, (int)digest_n, out, &out_n, key) == 1;
    if (key != NULL) {
        (void)EC_KEY_set_private_key(key, NULL); /* returns 0 where it has cleared it, too */
    }
    *ret_n = out_n;
    return done;
}

/* Piece by piece: theirs alone. libssl hands over all at once. */
static int signature_update(void *data, const unsigned char *text, size_t n)
{
    const struct signature *signature = data;
    return signature->key == NULL && theirs.update(signature->their, text, n);
}

static int signature_final(void *data, unsigned char *out, size_t *ret_n, size_t size)
{
    const struct signature *signature = data;
    return signature->key == NULL && theirs.final(signature->their, out, ret_n, size);
}

static int signature_sign(void *data, unsigned char *out, size_t *ret_n, size_t size,
                          const unsigned char *text, size_t n)
{
    const struct signature *signature = data;
    if (signature->key == NULL) {
        return (out == NULL || signature_update(data, text, n)) &&
               signature_final(data, out, ret_n, size);
    }
    if (out == NULL) {
        *ret_n = OCTET_KEY_SIGNATURE_MAX;
        return 1;
    }
    return size >= OCTET_KEY_SIGNATURE_MAX && sign_with(signature, out, ret_n, text, n);
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))signature_new},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))signature_free},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))signature_init},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))signature_update},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))signature_final},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))signature_sign},
    {0, NULL},
};

static bool fetch_digests(OSSL_LIB_CTX *library)
{
    bool found = true;
    for (size_t i = 0; i < ARRAY_LENGTH(digests) && found; i++) {
        digests[i].digest = EVP_MD_fetch(library, digests[i].names[0], NULL);
        found = digests[i].digest != NULL;
    }
    return found;
}

static bool find_theirs(struct dispatch_source *source)
{
    return DISPATCH_TAKE(theirs.new, source, SIGNATURE_NEWCTX) &&
           DISPATCH_TAKE(theirs.free, source, SIGNATURE_FREECTX) &&
           DISPATCH_TAKE(theirs.init, source, SIGNATURE_DIGEST_SIGN_INIT) &&
           DISPATCH_TAKE(theirs.update, source, SIGNATURE_DIGEST_SIGN_UPDATE) &&
           DISPATCH_TAKE(theirs.final, source, SIGNATURE_DIGEST_SIGN_FINAL);
}

const OSSL_DISPATCH *ec_signature_functions(struct dispatch_source *their_functions,
                                            OSSL_LIB_CTX *library)
{
    random_library = library;
    group = EC_GROUP_new_by_curve_name_ex(library, NULL, NID_X9_62_prime256v1);
    bool done = find_theirs(their_functions) && group != NULL && fetch_digests(library) &&
                pthread_key_create(&keys_of_threads, free_key_of_thread) == 0;
    if (!done && their_functions->lacking == NULL) {
        their_functions->lacking = "P-256 with its digests";
    }
    return done ? FUNCTIONS : NULL;
}
