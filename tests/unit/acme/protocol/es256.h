/* ES256 (RFC 7518 §3.4) from the other side: verified with OpenSSL from a public key's JWK, and the
 * example of RFC 7515 §A.3 to hold it against. */
#ifndef TESTS_UNIT_ACME_PROTOCOL_ES256_H
#define TESTS_UNIT_ACME_PROTOCOL_ES256_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "../../lib/certificates/make.h"
#include "acme/protocol/base64url.h"

#define ES256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define ES256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ES256_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define ES256_INPUT                                                                                \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"    \
    "LmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_SIGNATURE                                                                            \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* The key with these numbers in base64url; without D a public one. The caller frees it. */
UNUSED_HERE static EVP_PKEY *es256_key(const char *x, const char *y, const char *d)
{
    CLEANUP(buffer_clear) struct buffer point = BUFFER(65);
    CLEANUP(buffer_clear) struct buffer scalar = BUFFER(32);
    buffer_add_string(&point, "\x04");
    assert_true(base64url_decode(bytes_of(x), &point));
    assert_int_equal(point.n, 33);
    assert_true(base64url_decode(bytes_of(y), &point));
    assert_int_equal(point.n, 65);

    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
    BIGNUM *number = NULL;
    if (d != NULL) {
        assert_true(base64url_decode(bytes_of(d), &scalar));
        number = BN_bin2bn((const unsigned char *)scalar.p, (int)scalar.n, NULL);
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number);
    }
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key,
                                       d != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                       parameters),
                     1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(number);
    return key;
}

UNUSED_HERE static bool es256_verify(const char *x, const char *y, struct bytes text,
                                     struct bytes signature)
{
    if (signature.n != 64) {
        return false;
    }
    const unsigned char *octets = (const unsigned char *)signature.p;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(octets, 32, NULL), BN_bin2bn(octets + 32, 32, NULL));
    unsigned char *der = NULL;
    int n = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);

    EVP_PKEY *key = es256_key(x, y, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    bool good =
        EVP_DigestVerify(context, der, (size_t)n, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    ERR_clear_error();
    return good;
}

/* That the above tells good signatures from bad ones. */
UNUSED_HERE static void es256_test_vector(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer signature = BUFFER(64);
    assert_true(base64url_decode(BYTES(ES256_SIGNATURE), &signature));
    assert_true(es256_verify(ES256_X, ES256_Y, BYTES(ES256_INPUT), buffer_bytes(&signature)));
    assert_false(es256_verify(ES256_X, ES256_Y, BYTES("another"), buffer_bytes(&signature)));
    signature.p[40] ^= 1;
    assert_false(es256_verify(ES256_X, ES256_Y, BYTES(ES256_INPUT), buffer_bytes(&signature)));
}

#endif
