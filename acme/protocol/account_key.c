#include "account_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "acme/protocol/base64url.h"
#include "acme/protocol/p256_key.h"
#include "lib/certificates/pem.h"

enum {
    NUMBER_LENGTH = 32, /* octets of a coordinate, and of R and S */
    NUMBER_TEXT = 44,   /* in base64url, padded */
    SIGNATURE_DER_MAX = 80,
    JWK_MAX = 256,
};

struct account_key {
    EVP_PKEY *key;
    char x[NUMBER_TEXT + 1];
    char y[NUMBER_TEXT + 1];
    char thumbprint[NUMBER_TEXT + 1];
};

static void pem_reader_cleanup(struct pem_reader **reader)
{
    pem_reader_free(*reader);
}

static void pkcs8_cleanup(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void pkey_context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void md_context_cleanup(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void signature_cleanup(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static void number_text(const unsigned char octets[NUMBER_LENGTH], char ret_text[NUMBER_TEXT + 1])
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(NUMBER_TEXT);
    base64url_add((struct bytes){(const char *)octets, NUMBER_LENGTH}, &text);
    memcpy(ret_text, text.p, text.n + 1);
}

/* RFC 7518 §6.2.1.2: a coordinate has its full 32 octets always. */
static void coordinate_text(const EVP_PKEY *key, const char *name, char ret_text[NUMBER_TEXT + 1])
{
    BIGNUM *number = NULL;
    unsigned char octets[NUMBER_LENGTH];
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1 ||
        BN_bn2binpad(number, octets, sizeof(octets)) != sizeof(octets)) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    BN_free(number);
    number_text(octets, ret_text);
}

/* Takes PKEY, which is a P-256 key. */
static struct account_key *wrap(EVP_PKEY *pkey)
{
    struct account_key *key = memory_zero(1, sizeof(*key));
    key->key = pkey;
    coordinate_text(pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->x);
    coordinate_text(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->y);

    CLEANUP(buffer_clear) struct buffer jwk = BUFFER(JWK_MAX);
    unsigned char digest[NUMBER_LENGTH];
    account_key_jwk(key, &jwk);
    if (SHA256((const unsigned char *)jwk.p, jwk.n, digest) == NULL) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    number_text(digest, key->thumbprint);
    return key;
}

bool account_key_generate(struct account_key **ret_key, struct error *e)
{
    EVP_PKEY *key = NULL;
    if (!p256_key_generate(&key, e)) {
        return false;
    }
    *ret_key = wrap(key);
    return true;
}

static EVP_PKEY *decode(struct bytes der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    CLEANUP(pkcs8_cleanup)
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
    return info != NULL ? EVP_PKCS82PKEY(info) : NULL;
}

/* Whether the public point, where the text has one, is the private number's. */
static bool halves_match(EVP_PKEY *key)
{
    CLEANUP(pkey_context_cleanup)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    return context != NULL && EVP_PKEY_pairwise_check(context) == 1;
}

bool account_key_parse(struct bytes pem, struct account_key **ret_key, struct error *e)
{
    enum { PEM_MAX = 16 * 1024 };
    if (pem.n > PEM_MAX) {
        return error_set(e, ERROR_LIMIT, "the account's key is larger than %d octets; put it back",
                         PEM_MAX);
    }
    CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(pem);
    struct pem_block block;
    if (!pem_reader_next(reader, &block) || strcmp(block.label, "PRIVATE KEY") != 0) {
        return error_set(e, ERROR_SYNTAX,
                         "the account's key is not in PKCS #8 PEM without a passphrase; put it "
                         "back");
    }
    CLEANUP(pkey_cleanup) EVP_PKEY *key = decode(block.der);
    bool good = key != NULL && p256_key_is(key) && halves_match(key);
    ERR_clear_error();
    if (!good) {
        return error_set(e, ERROR_SYNTAX,
                         "the account's key is damaged, or not ECDSA with P-256; put it back");
    }
    *ret_key = wrap(TAKE(key));
    return true;
}

void account_key_print(const struct account_key *key, struct buffer *pem)
{
    p256_key_print(key->key, pem);
}

void account_key_free(struct account_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->key); /* wipes it */
        free(key);
    }
}

void account_key_jwk(const struct account_key *key, struct buffer *json)
{
    buffer_printf(json, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", key->x,
                  key->y);
}

const char *account_key_thumbprint(const struct account_key *key)
{
    return key->thumbprint;
}

/* ECDSA's DER to RFC 7518 §3.4's form. */
static bool flatten(const unsigned char *der, size_t n, unsigned char ret_pair[2 * NUMBER_LENGTH])
{
    CLEANUP(signature_cleanup) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)n);
    return signature != NULL &&
           BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_pair, NUMBER_LENGTH) == NUMBER_LENGTH &&
           BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_pair + NUMBER_LENGTH, NUMBER_LENGTH) ==
               NUMBER_LENGTH;
}

void account_key_sign(const struct account_key *key, struct bytes text, struct buffer *out)
{
    CLEANUP(md_context_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[SIGNATURE_DER_MAX];
    size_t n = sizeof(der);
    unsigned char pair[2 * NUMBER_LENGTH];
    if (context == NULL ||
        EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key->key, NULL) != 1 ||
        EVP_DigestSign(context, der, &n, (const unsigned char *)text.p, text.n) != 1 ||
        !flatten(der, n, pair)) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    buffer_add(out, (struct bytes){(const char *)pair, sizeof(pair)});
}
