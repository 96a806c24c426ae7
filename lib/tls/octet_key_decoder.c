#include "octet_key_decoder.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>

#include "lib/tls/dispatch.h"
#include "lib/tls/octet_key.h"

/* A SubjectPublicKeyInfo (RFC 5480 §2) with id-ecPublicKey and secp256r1, up to the point. */
static const unsigned char BEFORE_POINT[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                             0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                             0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
enum {
    BEFORE = sizeof(BEFORE_POINT),
    UNCOMPRESSED = 4, /* the point's first octet */
};

/* The library's, the same for all of its contexts. */
static _Atomic(OSSL_FUNC_BIO_read_ex_fn *) core_read;

void octet_key_decoder_init(const OSSL_DISPATCH *core)
{
    atomic_store(&core_read,
                 (OSSL_FUNC_BIO_read_ex_fn *)dispatch_find(core, OSSL_FUNC_BIO_READ_EX));
}

static void *decoder_new(void *context)
{
    return context; /* nothing is kept, but NULL would be a failure */
}

static void decoder_free(void *context)
{
    (void)context;
}

/* KEY is the callback's if it takes it, which key_load of ec_keys.c does; else it is freed here. */
static int hand_out(struct octet_key *key, OSSL_CALLBACK *callback, void *argument)
{
    int kind = OSSL_OBJECT_PKEY;
    char type[] = "EC";
    void *address = octet_key_address(key);
    const OSSL_PARAM object[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &kind),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, type, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &address, sizeof(address)),
        OSSL_PARAM_construct_end(),
    };
    int taken = callback(object, argument);
    if (address != NULL) {
        octet_key_free(key);
    }
    return taken;
}

/* 1 without a word to the callback: not of this form, somebody else may look. */
/* As many parameters as OpenSSL hands over. NOLINTNEXTLINE(readability-function-size) */
static int decode(void *context, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback,
                  void *argument, OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    (void)context;
    (void)selection;
    (void)passphrase;
    (void)passphrase_argument;
    OSSL_FUNC_BIO_read_ex_fn *read = atomic_load_explicit(&core_read, memory_order_relaxed);
    unsigned char info[BEFORE + OCTET_KEY_POINT];
    size_t n = 0;
    if (read == NULL || read(in, info, sizeof(info), &n) != 1 || n != sizeof(info) ||
        memcmp(info, BEFORE_POINT, BEFORE) != 0 || info[BEFORE] != UNCOMPRESSED) {
        return 1;
    }
    struct octet_key *key = octet_key_new(info + BEFORE);
    return key != NULL && hand_out(key, callback, argument);
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))decoder_new},
    {OSSL_FUNC_DECODER_FREECTX, (void (*)(void))decoder_free},
    {OSSL_FUNC_DECODER_DECODE, (void (*)(void))decode},
    {0, NULL},
};

/* With properties that the default provider's decoder does not have: two of one name and the same
 * properties would be one to OpenSSL. */
const OSSL_ALGORITHM OCTET_KEY_DECODER = {
    "EC:id-ecPublicKey:1.2.840.10045.2.1",
    "provider=default,input=der,structure=SubjectPublicKeyInfo",
    FUNCTIONS,
    NULL,
};
