#include "csr.h"

#include <openssl/x509.h>

#include "acme/protocol/openssl_error.h"
#include "acme/protocol/p256_key.h"
#include "acme/protocol/san_extension.h"

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void request_cleanup(X509_REQ **request)
{
    X509_REQ_free(*request);
}

static void extensions_cleanup(X509_EXTENSIONS **extensions)
{
    sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

static bool add_name(X509_REQ *request, const char *host)
{
    CLEANUP(extensions_cleanup) X509_EXTENSIONS *extensions = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *san = san_extension_new(host);
    if (extensions == NULL || san == NULL || sk_X509_EXTENSION_push(extensions, san) == 0) {
        X509_EXTENSION_free(san);
        return false;
    }
    return X509_REQ_add_extensions(request, extensions) == 1;
}

static bool add_der(const X509_REQ *request, struct buffer *csr)
{
    unsigned char *der = NULL;
    int n = i2d_X509_REQ(request, &der);
    if (n > 0) {
        buffer_add(csr, (struct bytes){(const char *)der, (size_t)n});
    }
    OPENSSL_free(der);
    return n > 0;
}

bool csr_make(const char *host, struct buffer *key, struct buffer *csr, struct error *e)
{
    CLEANUP(pkey_cleanup) EVP_PKEY *pkey = NULL;
    if (!p256_key_generate(&pkey, e)) {
        return false;
    }
    CLEANUP(request_cleanup) X509_REQ *request = X509_REQ_new();
    if (request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_pubkey(request, pkey) != 1 || !add_name(request, host) ||
        X509_REQ_sign(request, pkey, EVP_sha256()) <= 0 || !add_der(request, csr)) {
        return openssl_error("make a certificate request", e);
    }
    p256_key_print(pkey, key);
    return true;
}
