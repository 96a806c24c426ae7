/* Pairs opened in the library that serves. */
#include <openssl/err.h>
#include <openssl/evp.h>

#include "../tls/library.h"
#include "lib/certificates/pair_open.h"
#include "lib/tls/octet_key.h"
#include "make.h"

static const unsigned char TEXT[] = "what a handshake signs";

/* Whether KEY, of the library, signs what PUBLIC_KEY, of OpenSSL's default one, verifies. */
static bool signs(EVP_PKEY *key, EVP_PKEY *public_key)
{
    unsigned char signature[512];
    size_t n = sizeof(signature);
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    EVP_MD_CTX *verify = EVP_MD_CTX_new();
    bool good =
        EVP_DigestSignInit_ex(sign, NULL, "SHA256", tls_library_context(library), NULL, key,
                              NULL) == 1 &&
        EVP_DigestSign(sign, signature, &n, TEXT, sizeof(TEXT)) == 1 &&
        EVP_DigestVerifyInit_ex(verify, NULL, "SHA256", NULL, NULL, public_key, NULL) == 1 &&
        EVP_DigestVerify(verify, signature, n, TEXT, sizeof(TEXT)) == 1;
    EVP_MD_CTX_free(sign);
    EVP_MD_CTX_free(verify);
    ERR_clear_error();
    return good;
}

/* Each kind of key: the public one has to be decoded from the certificate. */
static void test_each_kind_of_key(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        size_t bits;
        bool octets;
    } ROWS[] = {{"P-256", 0, true}, {"P-384", 0, false}, {"P-521", 0, false}, {"RSA", 2048, false}};
    struct error e = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        EVP_PKEY *made = make_key(ROWS[i].kind, ROWS[i].bits);
        struct certificate_pair *pair = make_pair(made, "DNS:a.example", DAY);
        X509 *leaf = NULL;
        EVP_PKEY *key = NULL;
        assert_true(pair_open_leaf(pair, tls_library_context(library), &leaf, &key, &e));
        assert_int_equal(X509_check_private_key(leaf, key), 1);
        assert_int_equal(EVP_PKEY_eq(key, made), 1);
        assert_int_equal(octet_key_is(key), ROWS[i].octets);
        assert_true(signs(key, made));
        /* A certificate has one key then, not two of which one is private. */
        assert_int_equal(X509_get0_pubkey(leaf) == key, ROWS[i].octets);
        X509_free(leaf);
        assert_true(signs(key, made)); /* it outlives the certificate */
        EVP_PKEY_free(key);
        certificate_pair_unref(pair);
        EVP_PKEY_free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_kind_of_key)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
