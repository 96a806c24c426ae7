#include "self_signed.h"

#include <openssl/pem.h>

#include "acme/protocol/openssl_error.h"
#include "acme/protocol/p256_key.h"
#include "acme/protocol/san_extension.h"
#include "lib/base/buffer.h"

enum { HOUR_S = 3600, PEM_MAX = 16 * 1024, SERIAL_BITS = 64 };

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void extension_cleanup(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

static bool add_san(X509 *certificate, const char *host)
{
    CLEANUP(extension_cleanup) X509_EXTENSION *san = san_extension_new(host);
    return san != NULL && X509_add_ext(certificate, san, -1) == 1;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool done = number != NULL &&
                BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

/* An empty issuer is not allowed (RFC 5280 §4.1.2.4). */
static bool set_names(X509 *certificate, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

static bool fill_in(X509 *certificate, const struct self_signed *what, int64_t now_s)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_names(certificate, what->common_name) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), now_s - HOUR_S) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), now_s - HOUR_S + what->life_s) != NULL &&
           add_san(certificate, what->host) &&
           (what->extension == NULL || X509_add_ext(certificate, what->extension, -1) == 1);
}

static bool add_pem(X509 *certificate, struct buffer *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
    if (done) {
        char *text = NULL;
        long n = BIO_get_mem_data(bio, &text);
        buffer_add(pem, (struct bytes){text, (size_t)n});
    }
    BIO_free(bio);
    return done;
}

bool self_signed_make(const struct self_signed *what, int64_t now_s,
                      struct certificate_pair **ret_pair, struct error *e)
{
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    if (!p256_key_generate(&key, e)) {
        return false;
    }
    CLEANUP(buffer_wipe) struct buffer pem = BUFFER(PEM_MAX);
    CLEANUP(x509_cleanup) X509 *certificate = X509_new();
    CLEANUP_FREE char *task = memory_printf("make a certificate for %s", what->purpose);
    if (certificate == NULL || X509_set_pubkey(certificate, key) != 1 ||
        !fill_in(certificate, what, now_s) || X509_sign(certificate, key, EVP_sha256()) <= 0 ||
        !add_pem(certificate, &pem)) {
        return openssl_error(task, e);
    }
    p256_key_print(key, &pem);
    /* One text has both. */
    CLEANUP_FREE char *path = memory_printf("%s certificate of %s", what->purpose, what->host);
    return certificate_pair_parse(buffer_bytes(&pem), path, buffer_bytes(&pem), path, ret_pair, e);
}
