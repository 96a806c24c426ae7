#include "tls_library.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "provider/ec_keys.h"
#include "provider/ec_signature.h"
#include "provider/hmac_functions.h"
#include "provider/octet_key_decoder.h"
#include "provider/tls13_kdf.h"

/* --- What is offered --- */

/* By the first of their names, as in OSSL_PROVIDER-default(7). TLS 1.2 and 1.3 with the ciphers,
 * groups and signatures of server/tls.c; random numbers; what session tickets are sealed with;
 * SHA-1 for the digest by which OpenSSL tells certificates apart. */
static const char *const KEPT[] = {
    "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-256-CBC", "AES-256-CTR", "SHA1",
    "SHA2-256",    "SHA2-384",    "SHA2-512",          "HMAC",        "HKDF",        "TLS13-KDF",
    "TLS1-PRF",    "CTR-DRBG",    "SEED-SRC",          "X25519",      "ECDH",        "EC",
    "ECDSA",       "RSA",         "RSA-PSS",
};

enum {
    OPERATIONS_MAX = 32, /* OSSL_OP_* in core_dispatch.h go to 22 */
    ALGORITHMS_MAX = 32, /* of one operation */
};

/* The default provider, and what of it is kept: made once, constant from then on. A provider's
 * functions are handed its algorithms' context, which has no room for ours. */
static struct {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *provider;
    OSSL_ALGORITHM kept[OPERATIONS_MAX][ALGORITHMS_MAX + 1]; /* each ends in an empty one */
} whole;
static pthread_once_t whole_once = PTHREAD_ONCE_INIT;

static bool is_named(const OSSL_ALGORITHM *algorithm, const char *name)
{
    size_t n = strcspn(algorithm->algorithm_names, ":");
    return strlen(name) == n && strncasecmp(algorithm->algorithm_names, name, n) == 0;
}

/* A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of a certificate. */
static bool is_kept_decoder(const OSSL_ALGORITHM *decoder)
{
    return (is_named(decoder, "EC") || is_named(decoder, "RSA")) &&
           strstr(decoder->property_definition, "input=der") != NULL &&
           strstr(decoder->property_definition, "structure=SubjectPublicKeyInfo") != NULL;
}

static bool is_kept(int operation, const OSSL_ALGORITHM *algorithm)
{
    if (operation == OSSL_OP_DECODER) {
        return is_kept_decoder(algorithm);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(KEPT); i++) {
        if (is_named(algorithm, KEPT[i])) {
            return operation != OSSL_OP_ENCODER;
        }
    }
    return false;
}

/* What is offered in the place of ALGORITHM's functions, where ours are faster; NULL: nothing is.
 */
static const OSSL_DISPATCH *better_functions(int operation, const OSSL_ALGORITHM *algorithm)
{
    if (operation == OSSL_OP_KDF && is_named(algorithm, "TLS13-KDF")) {
        return tls13_kdf_functions(algorithm->implementation);
    }
    if (operation == OSSL_OP_MAC && is_named(algorithm, "HMAC")) {
        return hmac_functions(algorithm->implementation);
    }
    return NULL;
}

static void keep(int operation)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole.provider, operation, &no_cache);
    size_t count = 0;
    for (; all != NULL && all->algorithm_names != NULL && count < ALGORITHMS_MAX; all++) {
        if (is_kept(operation, all)) {
            OSSL_ALGORITHM *kept = &whole.kept[operation][count++];
            const OSSL_DISPATCH *better = better_functions(operation, all);
            *kept = *all;
            kept->implementation = better != NULL ? better : all->implementation;
        }
    }
}

static OSSL_ALGORITHM *find_kept(int operation, const char *name)
{
    for (OSSL_ALGORITHM *kept = whole.kept[operation]; kept->algorithm_names != NULL; kept++) {
        if (is_named(kept, name)) {
            return kept;
        }
    }
    return NULL;
}

/* Certificates' keys on P-256: all that touches an EC key must know them, or nothing may. */
static void keep_keys_as_octets(void)
{
    OSSL_ALGORITHM *keys = find_kept(OSSL_OP_KEYMGMT, "EC");
    OSSL_ALGORITHM *agreement = find_kept(OSSL_OP_KEYEXCH, "ECDH");
    OSSL_ALGORITHM *signature = find_kept(OSSL_OP_SIGNATURE, "ECDSA");
    OSSL_ALGORITHM *decoders = whole.kept[OSSL_OP_DECODER];
    size_t count = 0;
    while (decoders[count].algorithm_names != NULL) {
        count++;
    }
    const OSSL_DISPATCH *better[3];
    if (keys == NULL || agreement == NULL || signature == NULL || count == ALGORITHMS_MAX ||
        (better[0] = ec_keys_management(keys->implementation)) == NULL ||
        (better[1] = ec_keys_agreement(agreement->implementation)) == NULL ||
        (better[2] = ec_signature_functions(signature->implementation, whole.context)) == NULL) {
        return; /* slower, not wrong */
    }
    keys->implementation = better[0];
    agreement->implementation = better[1];
    signature->implementation = better[2];
    decoders[count] = OCTET_KEY_DECODER; /* OpenSSL asks the last one first */
}

static void load_whole(void)
{
    whole.context = OSSL_LIB_CTX_new();
    whole.provider = whole.context != NULL ? OSSL_PROVIDER_load(whole.context, "default") : NULL;
    for (int operation = 0; operation < OPERATIONS_MAX && whole.provider != NULL; operation++) {
        keep(operation);
    }
    keep_keys_as_octets();
}

/* --- The provider: provider(7) --- */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    *no_cache = 0;
    return operation >= 0 && operation < OPERATIONS_MAX ? whole.kept[operation] : NULL;
}

static int capabilities(void *context, const char *name, OSSL_CALLBACK *callback, void *argument)
{
    (void)context;
    return OSSL_PROVIDER_get_capabilities(whole.provider, name, callback, argument);
}

static void teardown(void *context)
{
    (void)context; /* the default provider's */
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **ret_functions, void **ret_context)
{
    (void)handle;
    octet_key_decoder_init(in);
    *ret_functions = FUNCTIONS;
    *ret_context = OSSL_PROVIDER_get0_provider_ctx(whole.provider);
    return 1;
}

/* --- The context --- */

void tls_library_prepare(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL);
    (void)EVP_add_cipher(EVP_aes_128_gcm());
    (void)EVP_add_cipher(EVP_aes_256_gcm());
    (void)EVP_add_cipher(EVP_chacha20_poly1305());
    (void)EVP_add_cipher(EVP_aes_256_cbc()); /* what tickets are sealed with */
}

struct tls_library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *provider;
};

bool tls_library_new(struct tls_library **ret_library, struct error *e)
{
    static const char NAME[] = "mtasts-host";
    struct tls_library *library = memory_zero(1, sizeof(*library));
    if (pthread_once(&whole_once, load_whole) == 0 && whole.provider != NULL &&
        (library->context = OSSL_LIB_CTX_new()) != NULL &&
        OSSL_PROVIDER_add_builtin(library->context, NAME, provider_init) == 1 &&
        (library->provider = OSSL_PROVIDER_load(library->context, NAME)) != NULL) {
        *ret_library = library;
        return true;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)error_set(e, ERROR_SYSTEM, "OpenSSL's default provider cannot be used: %s",
                    reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    tls_library_free(library);
    return false;
}

void tls_library_free(struct tls_library *library)
{
    if (library != NULL) {
        if (library->provider != NULL) {
            OSSL_PROVIDER_unload(library->provider);
        }
        OSSL_LIB_CTX_free(library->context);
        free(library);
    }
}

OSSL_LIB_CTX *tls_library_context(const struct tls_library *library)
{
    return library->context;
}
