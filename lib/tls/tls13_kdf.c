#include "tls13_kdf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"
#include "lib/tls/hmac_sha256.h"
#include "lib/tls/tls_part.h"

enum {
    SECRET = HMAC_SHA256_OCTETS,
    LABEL_MAX = 255, /* "tls13 " and the label, RFC 8446 §7.1 */
    CONTEXT_MAX = 255,
};

/* --- The key schedule --- */

/* What of a call's parameters matters; octets, absent ones with a NULL. */
struct question {
    int mode;
    struct bytes key;
    struct bytes salt;
    struct bytes prefix;
    struct bytes label;
    struct bytes context;
};

static const unsigned char ZEROS[SECRET];

/* HKDF-Expand-Label with up to one block of output, N octets. */
static void expand_label(struct bytes secret, const struct question *question, struct bytes context,
                         unsigned char *out, size_t n)
{
    const unsigned char length[] = {0, (unsigned char)n};
    unsigned char label_length = (unsigned char)(question->prefix.n + question->label.n);
    unsigned char context_length = (unsigned char)context.n;
    static const unsigned char first_block = 1; /* HKDF's counter, RFC 5869 §2.3 */
    unsigned char block[SECRET];
    struct hmac_sha256 hmac;
    hmac_sha256_begin(&hmac, secret);
    hmac_sha256_add(&hmac, length, sizeof(length));
    hmac_sha256_add(&hmac, &label_length, 1);
    hmac_sha256_add(&hmac, question->prefix.p, question->prefix.n);
    hmac_sha256_add(&hmac, question->label.p, question->label.n);
    hmac_sha256_add(&hmac, &context_length, 1);
    hmac_sha256_add(&hmac, context.p, context.n);
    hmac_sha256_add(&hmac, &first_block, 1);
    hmac_sha256_end(&hmac, block);
    memcpy(out, block, n);
    OPENSSL_cleanse(block, sizeof(block));
}

/* The SALT of the next HKDF-Extract is Derive-Secret(the secret before, "derived", ""); before the
 * first one there is none. */
static void extract(const struct question *question, unsigned char out[static SECRET])
{
    static const unsigned char hash_of_nothing[SECRET] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    unsigned char salt[SECRET] = {0};
    if (question->salt.p != NULL) {
        struct bytes nothing = {(const char *)hash_of_nothing, sizeof(hash_of_nothing)};
        expand_label(question->salt, question, nothing, salt, sizeof(salt));
    }
    struct hmac_sha256 hmac;
    hmac_sha256_begin(&hmac, (struct bytes){(const char *)salt, sizeof(salt)});
    if (question->key.p != NULL) {
        hmac_sha256_add(&hmac, question->key.p, question->key.n);
    } else {
        hmac_sha256_add(&hmac, ZEROS, sizeof(ZEROS));
    }
    hmac_sha256_end(&hmac, out);
    OPENSSL_cleanse(salt, sizeof(salt));
}

/* --- The provider's function: provider-kdf(7) --- */

/* Constant once they are made. A provider's function is not told in which table it was found. */
static struct dispatch functions;
static OSSL_FUNC_kdf_derive_fn *their_derive;

/* The next one of PARAMS, if it is called NAME; then it has been read. */
static const OSSL_PARAM *take(const OSSL_PARAM **params, const char *name)
{
    bool found = (*params)->key != NULL && strcmp((*params)->key, name) == 0;
    return found ? (*params)++ : NULL;
}

static struct bytes take_octets(const OSSL_PARAM **params, const char *name)
{
    const OSSL_PARAM *found = take(params, name);
    bool set = found != NULL && found->data_type == OSSL_PARAM_OCTET_STRING && found->data != NULL;
    return set ? (struct bytes){found->data, found->data_size} : (struct bytes){NULL, 0};
}

static bool is_sha256(const OSSL_PARAM *digest)
{
    return digest != NULL && digest->data_type == OSSL_PARAM_UTF8_STRING && digest->data != NULL &&
           strcasecmp(digest->data, "SHA2-256") == 0;
}

/* Whether PARAMS ask for what is done here, in the order in which OpenSSL's TLS names them: looking
 * for each by its name took 13,000 instructions a handshake. */
static bool read_question(const OSSL_PARAM *params, struct question *question)
{
    const OSSL_PARAM *mode = take(&params, OSSL_KDF_PARAM_MODE);
    if (mode == NULL || OSSL_PARAM_get_int(mode, &question->mode) != 1 ||
        !is_sha256(take(&params, OSSL_KDF_PARAM_DIGEST))) {
        return false;
    }
    question->key = take_octets(&params, OSSL_KDF_PARAM_KEY);
    question->salt = take_octets(&params, OSSL_KDF_PARAM_SALT);
    question->prefix = take_octets(&params, OSSL_KDF_PARAM_PREFIX);
    question->label = take_octets(&params, OSSL_KDF_PARAM_LABEL);
    question->context = take_octets(&params, OSSL_KDF_PARAM_DATA);
    return params->key == NULL;
}

static bool is_fitting(const struct question *question, size_t n)
{
    if (question->prefix.p == NULL || question->label.p == NULL ||
        question->prefix.n + question->label.n > LABEL_MAX || question->context.n > CONTEXT_MAX) {
        return false;
    }
    if (question->mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) {
        return question->key.n == SECRET && n != 0 && n <= SECRET;
    }
    return question->mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && n == SECRET &&
           (question->salt.p == NULL || question->salt.n == SECRET);
}

static int derive(void *context, unsigned char *out, size_t n, const OSSL_PARAM params[])
{
    struct question question;
    bool ours = params != NULL && read_question(params, &question) && is_fitting(&question, n);
    tls_part_note(TLS_PART_KEY_SCHEDULE, ours);
    if (!ours) {
        return their_derive(context, out, n, params);
    }
    if (question.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) {
        expand_label(question.key, &question, question.context, out, n);
    } else {
        extract(&question, out);
    }
    return 1;
}

static const struct dispatch_offer OFFERS[] = {
    DISPATCH_OURS(KDF_DERIVE, derive),   DISPATCH_THEIRS(KDF_NEWCTX),
    DISPATCH_THEIRS(KDF_DUPCTX),         DISPATCH_THEIRS(KDF_FREECTX),
    DISPATCH_THEIRS(KDF_RESET),          DISPATCH_THEIRS(KDF_GETTABLE_PARAMS),
    DISPATCH_THEIRS(KDF_GET_PARAMS),     DISPATCH_THEIRS(KDF_GETTABLE_CTX_PARAMS),
    DISPATCH_THEIRS(KDF_GET_CTX_PARAMS), DISPATCH_THEIRS(KDF_SETTABLE_CTX_PARAMS),
    DISPATCH_THEIRS(KDF_SET_CTX_PARAMS),
};

const OSSL_DISPATCH *tls13_kdf_functions(struct dispatch_source *theirs)
{
    if (!DISPATCH_TAKE(their_derive, theirs, KDF_DERIVE)) {
        return NULL;
    }
    dispatch_make(theirs->functions, OFFERS, ARRAY_LENGTH(OFFERS), &functions);
    return functions.functions;
}
