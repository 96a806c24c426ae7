/* Certificates and keys for tests, made on the spot. */
#ifndef TESTS_UNIT_LIB_CERTIFICATES_MAKE_H
#define TESTS_UNIT_LIB_CERTIFICATES_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buffer.h"
#include "lib/certificates/pair.h"

#define UNUSED_HERE __attribute__((unused))
enum { MAKE_FILE_MAX = 2 * CERTIFICATE_FILE_MAX, DAY = 24 * 3600 };

/* "RSA" with BITS, "ED25519", or an EC curve's name. */
UNUSED_HERE static EVP_PKEY *make_key(const char *kind, size_t bits)
{
    EVP_PKEY *key = NULL;
    if (strcmp(kind, "RSA") == 0) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
    } else if (strcmp(kind, "ED25519") == 0) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    } else {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    }
    assert_non_null(key);
    return key;
}

struct make_recipe {
    EVP_PKEY *key;
    const char *sans; /* as in openssl.cnf; NULL: none */
    const char *common_name;
    int64_t from; /* seconds from now */
    int64_t until;
    const X509 *issuer; /* NULL: self-signed */
    EVP_PKEY *issuer_key;
    const EVP_MD *digest; /* NULL: SHA-256, and none where the key has its own */
};

UNUSED_HERE static X509 *make_certificate(const struct make_recipe *recipe)
{
    static long serial;
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), (long)recipe->from);
    X509_gmtime_adj(X509_getm_notAfter(certificate),
                    (long)(recipe->until != 0 ? recipe->until : DAY));
    X509_NAME *name = X509_get_subject_name(certificate);
    const char *cn = recipe->common_name != NULL ? recipe->common_name : "a test";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(certificate,
                         recipe->issuer != NULL ? X509_get_subject_name(recipe->issuer) : name);
    X509_set_pubkey(certificate, recipe->key);
    if (recipe->sans != NULL) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, recipe->sans);
        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    EVP_PKEY *signer = recipe->issuer_key != NULL ? recipe->issuer_key : recipe->key;
    const EVP_MD *digest = recipe->digest != NULL ? recipe->digest : EVP_sha256();
    assert_true(X509_sign(certificate, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : digest) >
                0);
    return certificate;
}

UNUSED_HERE static void make_add_bio(struct buffer *text, BIO *bio)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    buffer_add(text, (struct bytes){data, (size_t)n});
    BIO_free(bio);
}

UNUSED_HERE static void make_add_certificate(struct buffer *text, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    make_add_bio(text, bio);
}

enum make_key_form { MAKE_PKCS8, MAKE_TRADITIONAL, MAKE_PKCS8_ENCRYPTED, MAKE_ENCRYPTED };

UNUSED_HERE static void make_add_key(struct buffer *text, EVP_PKEY *key, enum make_key_form form)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *password = (char[]){"password"};
    const EVP_CIPHER *cipher =
        form == MAKE_PKCS8_ENCRYPTED || form == MAKE_ENCRYPTED ? EVP_aes_128_cbc() : NULL;
    int length = cipher != NULL ? 8 : 0;
    unsigned char *secret = cipher != NULL ? (unsigned char *)password : NULL;
    if (form == MAKE_PKCS8 || form == MAKE_PKCS8_ENCRYPTED) {
        assert_int_equal(
            PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, (char *)secret, length, NULL, NULL), 1);
    } else {
        assert_int_equal(
            PEM_write_bio_PrivateKey_traditional(bio, key, cipher, secret, length, NULL, NULL), 1);
    }
    make_add_bio(text, bio);
}

/* A self-signed pair, valid from FROM to UNTIL, in seconds from now; the caller frees it. */
UNUSED_HERE static struct certificate_pair *make_pair_from(EVP_PKEY *key, const char *sans,
                                                           int64_t from, int64_t until)
{
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    X509 *certificate = make_certificate(
        &(struct make_recipe){.key = key, .sans = sans, .from = from, .until = until});
    make_add_certificate(&chain, certificate);
    make_add_key(&secret, key, MAKE_PKCS8);
    X509_free(certificate);
    struct certificate_pair *pair = NULL;
    struct error e = {0};
    if (!certificate_pair_parse(buffer_bytes(&chain), "chain.pem", buffer_bytes(&secret), "key.pem",
                                &pair, &e)) {
        fail_msg("%s", e.text);
    }
    return pair;
}

/* From now on. */
UNUSED_HERE static struct certificate_pair *make_pair(EVP_PKEY *key, const char *sans,
                                                      int64_t until)
{
    return make_pair_from(key, sans, 0, until);
}

#endif
