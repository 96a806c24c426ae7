/* Keys on P-256 as octets: what they sign, OpenSSL's own keys verify; what is not one of them goes
 * to OpenSSL's own decoder. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "lib/base/memory.h"
#include "lib/tls/octet_key.h"
#include "library.h"

enum { POINT = 65, INFO = 91, SCALAR = 32, INFO_MAX = 1024 };

static OSSL_LIB_CTX *context(void)
{
    return tls_library_context(library);
}

/* A key of OpenSSL's own, and what makes one of ours. */
struct example {
    EVP_PKEY *key;
    unsigned char info[INFO_MAX]; /* SubjectPublicKeyInfo */
    int info_n;
    unsigned char scalar[SCALAR]; /* P-256 alone */
};

/* On the curve KIND, or "RSA". */
static void example_make(struct example *example, const char *kind)
{
    bool rsa = strcmp(kind, "RSA") == 0;
    *example = (struct example){.key = rsa ? EVP_PKEY_Q_keygen(NULL, NULL, kind, (size_t)2048)
                                           : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind)};
    assert_non_null(example->key);
    unsigned char *end = example->info;
    example->info_n = i2d_PUBKEY(example->key, &end);
    assert_in_range(example->info_n, 1, INFO_MAX);
    if (strcmp(kind, "P-256") == 0) {
        BIGNUM *number = NULL;
        assert_int_equal(example->info_n, INFO);
        assert_int_equal(EVP_PKEY_get_bn_param(example->key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
        assert_int_equal(BN_bn2binpad(number, example->scalar, SCALAR), SCALAR);
        BN_clear_free(number);
    }
}

static EVP_PKEY *decode(const unsigned char *info, int n, OSSL_LIB_CTX *in)
{
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &info, n, in, NULL);
    ERR_clear_error();
    return key;
}

static struct bytes octets(const unsigned char *p, size_t n)
{
    return (struct bytes){(const char *)p, n};
}

static const char TEXT[] = "what a handshake signs";

/* The signature's length; 0: none was made. */
static size_t sign(EVP_PKEY *key, const char *digest, unsigned char *out, size_t size)
{
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    size_t n = size;
    bool done = EVP_DigestSignInit_ex(operation, NULL, digest, context(), NULL, key, NULL) == 1 &&
                EVP_DigestSign(operation, out, &n, (const unsigned char *)TEXT, sizeof(TEXT)) == 1;
    EVP_MD_CTX_free(operation);
    ERR_clear_error();
    return done ? n : 0;
}

static bool verifies(EVP_PKEY *key, const char *digest, const unsigned char *signature, size_t n)
{
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    bool good =
        EVP_DigestVerifyInit_ex(operation, NULL, digest, NULL, NULL, key, NULL) == 1 &&
        EVP_DigestVerify(operation, signature, n, (const unsigned char *)TEXT, sizeof(TEXT)) == 1;
    EVP_MD_CTX_free(operation);
    ERR_clear_error();
    return good;
}

static void test_signs_what_openssl_verifies(void **state)
{
    (void)state;
    static const char *const DIGESTS[] = {"SHA256", "SHA2-384", "SHA512"};
    for (int round = 0; round < 50; round++) {
        struct example example;
        example_make(&example, "P-256");
        EVP_PKEY *ours = decode(example.info, example.info_n, context());
        assert_true(octet_key_is(ours));
        assert_true(octet_key_complete(ours, octets(example.scalar, SCALAR)));
        for (size_t i = 0; i < ARRAY_LENGTH(DIGESTS); i++) {
            unsigned char signature[72];
            size_t n = sign(ours, DIGESTS[i], signature, sizeof(signature));
            assert_true(verifies(example.key, DIGESTS[i], signature, n));
            signature[n - 1] ^= 1;
            assert_false(verifies(example.key, DIGESTS[i], signature, n));
        }
        EVP_PKEY_free(ours);
        EVP_PKEY_free(example.key);
    }
}

/* Each thread keeps a curve to sign with, for whatever key comes. */
struct signer {
    pthread_t thread;
    struct example examples[2];
    EVP_PKEY *ours[2];
    bool good;
};

static void *sign_in_turns(void *argument)
{
    struct signer *signer = argument;
    signer->good = true;
    for (int i = 0; i < 200; i++) {
        unsigned char signature[72];
        size_t n = sign(signer->ours[i % 2], "SHA256", signature, sizeof(signature));
        signer->good &= verifies(signer->examples[i % 2].key, "SHA256", signature, n) &&
                        !verifies(signer->examples[(i + 1) % 2].key, "SHA256", signature, n);
    }
    return NULL;
}

static void test_signs_in_many_threads(void **state)
{
    (void)state;
    struct signer signers[4];
    for (size_t i = 0; i < ARRAY_LENGTH(signers); i++) {
        for (size_t k = 0; k < 2; k++) {
            struct example *example = &signers[i].examples[k];
            example_make(example, "P-256");
            signers[i].ours[k] = decode(example->info, example->info_n, context());
            assert_true(octet_key_complete(signers[i].ours[k], octets(example->scalar, SCALAR)));
        }
        assert_int_equal(pthread_create(&signers[i].thread, NULL, sign_in_turns, &signers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(signers); i++) {
        assert_int_equal(pthread_join(signers[i].thread, NULL), 0);
        assert_true(signers[i].good);
        for (size_t k = 0; k < 2; k++) {
            EVP_PKEY_free(signers[i].ours[k]);
            EVP_PKEY_free(signers[i].examples[k].key);
        }
    }
}

static void test_what_it_will_not_sign(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    unsigned char signature[72];
    EVP_PKEY *ours = decode(example.info, example.info_n, context());
    assert_int_equal(sign(ours, "SHA256", signature, sizeof(signature)), 0); /* no scalar */

    static const unsigned char ZERO[SCALAR];
    assert_false(octet_key_complete(ours, octets(ZERO, SCALAR)));
    assert_int_equal(sign(ours, "SHA256", signature, sizeof(signature)), 0);

    assert_true(octet_key_complete(ours, octets(example.scalar, SCALAR)));
    assert_int_equal(sign(ours, "no such digest", signature, sizeof(signature)), 0);
    assert_int_equal(sign(ours, "SHA256", signature, 71), 0); /* it might not fit */
    assert_int_not_equal(sign(ours, "SHA256", signature, sizeof(signature)), 0);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(example.key);
}

/* RFC 5915 §3 has as many octets as the group's order; some write fewer, some a sign octet. */
static void test_scalars_of_other_lengths(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    EVP_PKEY *ours = decode(example.info, example.info_n, context());
    unsigned char longer[SCALAR + 2] = {0};
    memcpy(longer + 2, example.scalar, SCALAR);
    assert_true(octet_key_complete(ours, octets(longer, sizeof(longer))));
    unsigned char signature[72];
    size_t n = sign(ours, "SHA256", signature, sizeof(signature));
    assert_true(verifies(example.key, "SHA256", signature, n));

    longer[1] = 1;
    assert_false(octet_key_complete(ours, octets(longer, sizeof(longer))));
    n = sign(ours, "SHA256", signature, sizeof(signature));
    assert_true(verifies(example.key, "SHA256", signature, n)); /* as before */

    static const unsigned char ONE[] = {1};
    assert_true(octet_key_complete(ours, octets(ONE, sizeof(ONE))));
    n = sign(ours, "SHA256", signature, sizeof(signature));
    assert_int_not_equal(n, 0);
    assert_false(verifies(example.key, "SHA256", signature, n));
    EVP_PKEY_free(ours);
    EVP_PKEY_free(example.key);
}

static void test_other_keys_are_openssls(void **state)
{
    (void)state;
    static const char *const KINDS[] = {"P-384", "P-521", "RSA"};
    for (size_t i = 0; i < ARRAY_LENGTH(KINDS); i++) {
        struct example example;
        example_make(&example, KINDS[i]);
        EVP_PKEY *theirs = decode(example.info, example.info_n, context());
        assert_non_null(theirs);
        assert_false(octet_key_is(theirs));
        assert_false(octet_key_complete(theirs, octets(example.scalar, SCALAR)));
        assert_int_equal(EVP_PKEY_eq(theirs, example.key), 1);
        EVP_PKEY_free(theirs);
        EVP_PKEY_free(example.key);
    }
}

static void test_a_compressed_point_is_openssls(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    assert_int_equal(
        EVP_PKEY_set_utf8_string_param(example.key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
        1);
    unsigned char *end = example.info;
    example.info_n = i2d_PUBKEY(example.key, &end);
    assert_int_equal(example.info_n, INFO - SCALAR);
    EVP_PKEY *theirs = decode(example.info, example.info_n, context());
    assert_non_null(theirs);
    assert_false(octet_key_is(theirs));
    assert_int_equal(EVP_PKEY_eq(theirs, example.key), 1);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(example.key);
}

/* Each bit before the point changed: what OpenSSL makes of it, and the same without us. */
static void test_the_form_is_strict(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    for (int bit = 0; bit < 8 * (INFO - POINT + 1); bit++) {
        unsigned char info[INFO];
        memcpy(info, example.info, INFO);
        info[bit / 8] ^= (unsigned char)(1 << bit % 8);
        EVP_PKEY *key = decode(info, INFO, context());
        EVP_PKEY *theirs = decode(info, INFO, NULL);
        if ((key != NULL) != (theirs != NULL) || (key != NULL && octet_key_is(key))) {
            fail_msg("bit %d: %s", bit, key != NULL ? "taken" : "refused");
        }
        EVP_PKEY_free(key);
        EVP_PKEY_free(theirs);
    }
    for (int n = 0; n < INFO; n++) {
        assert_null(decode(example.info, n, context()));
    }
    EVP_PKEY_free(example.key);
}

static void test_is_compared_by_what_is_public(void **state)
{
    (void)state;
    struct example a;
    struct example b;
    example_make(&a, "P-256");
    example_make(&b, "P-256");
    EVP_PKEY *ours = decode(a.info, a.info_n, context());
    EVP_PKEY *other = decode(b.info, b.info_n, context());
    assert_int_equal(EVP_PKEY_eq(ours, a.key), 1);
    assert_int_equal(EVP_PKEY_eq(a.key, ours), 1);
    assert_int_equal(EVP_PKEY_eq(ours, b.key), 0);
    assert_int_equal(EVP_PKEY_eq(ours, other), 0);
    assert_int_equal(EVP_PKEY_parameters_eq(ours, other), 1);

    assert_true(octet_key_complete(ours, octets(a.scalar, SCALAR)));
    assert_int_equal(EVP_PKEY_eq(ours, a.key), 1);
    OSSL_PARAM *params = NULL;
    assert_int_equal(EVP_PKEY_todata(ours, EVP_PKEY_PUBLIC_KEY, &params), 1);
    assert_non_null(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PUB_KEY));
    OSSL_PARAM_free(params);
    params = NULL;
    assert_int_equal(EVP_PKEY_todata(ours, EVP_PKEY_KEYPAIR, &params), 0); /* stays with us */
    ERR_clear_error();
    EVP_PKEY_free(ours);
    EVP_PKEY_free(other);
    EVP_PKEY_free(a.key);
    EVP_PKEY_free(b.key);
}

static void test_beside_keys_of_openssls_own(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    EVP_PKEY *ours = decode(example.info, example.info_n, context());
    EVP_PKEY *theirs = EVP_PKEY_Q_keygen(context(), NULL, "EC", "P-256");
    EVP_PKEY *longer = EVP_PKEY_Q_keygen(context(), NULL, "EC", "P-384");
    assert_int_equal(EVP_PKEY_parameters_eq(ours, theirs), 1);
    assert_int_equal(EVP_PKEY_parameters_eq(longer, ours), 0);
    assert_int_equal(EVP_PKEY_eq(ours, theirs), 0);
    assert_int_equal(EVP_PKEY_eq(longer, ours), 0);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(longer);
    EVP_PKEY_free(example.key);
}

/* Of a certificate that stands elsewhere: what is public may go there. */
static void test_verifies_in_another_library(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    EVP_PKEY *ours = decode(example.info, example.info_n, context());
    EVP_PKEY *whole = decode(example.info, example.info_n, context());
    assert_true(octet_key_complete(whole, octets(example.scalar, SCALAR)));
    unsigned char signature[72];
    size_t n = sign(whole, "SHA256", signature, sizeof(signature));
    assert_true(verifies(ours, "SHA256", signature, n));
    EVP_PKEY_free(whole);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(example.key);
}

/* libssl hands over all at once; whoever does not is refused. */
static void test_nothing_is_signed_piece_by_piece(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    EVP_PKEY *whole = decode(example.info, example.info_n, context());
    assert_true(octet_key_complete(whole, octets(example.scalar, SCALAR)));
    unsigned char signature[72];
    size_t n = sizeof(signature);
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(operation, NULL, "SHA256", context(), NULL, whole, NULL),
                     1);
    assert_int_equal(EVP_DigestSignUpdate(operation, TEXT, sizeof(TEXT)), 0);
    assert_int_equal(EVP_DigestSignFinal(operation, signature, &n), 0);
    ERR_clear_error();
    EVP_MD_CTX_free(operation);
    EVP_PKEY_free(whole);
    EVP_PKEY_free(example.key);
}

static void test_says_what_it_is(void **state)
{
    (void)state;
    struct example example;
    example_make(&example, "P-256");
    EVP_PKEY *ours = decode(example.info, example.info_n, context());
    char curve[32];
    assert_true(EVP_PKEY_is_a(ours, "id-ecPublicKey"));
    assert_int_equal(EVP_PKEY_get_bits(ours), EVP_PKEY_get_bits(example.key));
    assert_int_equal(EVP_PKEY_get_security_bits(ours), EVP_PKEY_get_security_bits(example.key));
    assert_int_equal(EVP_PKEY_get_size(ours), EVP_PKEY_get_size(example.key));
    assert_int_equal(EVP_PKEY_get_group_name(ours, curve, sizeof(curve), NULL), 1);
    assert_string_equal(curve, "prime256v1");
    assert_int_equal(EVP_PKEY_get_ec_point_conv_form(ours),
                     EVP_PKEY_get_ec_point_conv_form(example.key));
    assert_int_equal(EVP_PKEY_get_field_type(ours), EVP_PKEY_get_field_type(example.key));
    EVP_PKEY_free(ours);
    EVP_PKEY_free(example.key);
}

/* Else a client whose only group is P-256 would have no handshake. */
static void test_key_agreement_finds_openssls(void **state)
{
    (void)state;
    EVP_PKEY *share = EVP_PKEY_Q_keygen(context(), NULL, "EC", "P-256");
    assert_non_null(share);
    assert_false(octet_key_is(share));
    EVP_PKEY_free(share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs_what_openssl_verifies),
        cmocka_unit_test(test_signs_in_many_threads),
        cmocka_unit_test(test_what_it_will_not_sign),
        cmocka_unit_test(test_scalars_of_other_lengths),
        cmocka_unit_test(test_other_keys_are_openssls),
        cmocka_unit_test(test_a_compressed_point_is_openssls),
        cmocka_unit_test(test_the_form_is_strict),
        cmocka_unit_test(test_is_compared_by_what_is_public),
        cmocka_unit_test(test_beside_keys_of_openssls_own),
        cmocka_unit_test(test_verifies_in_another_library),
        cmocka_unit_test(test_nothing_is_signed_piece_by_piece),
        cmocka_unit_test(test_says_what_it_is),
        cmocka_unit_test(test_key_agreement_finds_openssls),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
