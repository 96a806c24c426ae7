#include "pair_open.h"

#include <openssl/err.h>

#include "lib/certificates/private_key.h"

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void chain_cleanup(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

static bool unparsable(const struct certificate_pair *pair, struct error *e)
{
    return error_set(e, ERROR_SYSTEM, "%s can no longer be parsed; report this as a bug",
                     certificate_pair_path(pair));
}

/* Takes the DER of one certificate off the front of *DER. */
static X509 *take_certificate(struct bytes *der, OSSL_LIB_CTX *library)
{
    const unsigned char *p = (const unsigned char *)der->p;
    X509 *certificate = X509_new_ex(library, NULL);
    if (certificate != NULL && d2i_X509(&certificate, &p, (long)der->n) != NULL) {
        *der = bytes_skip(*der, (size_t)((const char *)p - der->p));
    } else {
        certificate = NULL; /* freed by d2i_X509 */
    }
    ERR_clear_error();
    return certificate;
}

bool pair_open_leaf(const struct certificate_pair *pair, OSSL_LIB_CTX *library, X509 **ret_leaf,
                    EVP_PKEY **ret_key, struct error *e)
{
    struct bytes der = certificate_pair_leaf(pair);
    struct private_key compact = {.rsa = certificate_pair_is_rsa(pair),
                                  .octets = certificate_pair_key(pair)};
    CLEANUP(x509_cleanup) X509 *leaf = take_certificate(&der, library);
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    if (leaf == NULL || !private_key_make(&compact, leaf, library, &key, e)) {
        return unparsable(pair, e);
    }
    *ret_leaf = TAKE(leaf);
    *ret_key = TAKE(key);
    return true;
}

bool pair_open_chain(const struct certificate_pair *pair, OSSL_LIB_CTX *library,
                     STACK_OF(X509) * *ret_chain, struct error *e)
{
    CLEANUP(chain_cleanup) STACK_OF(X509) *chain = sk_X509_new_null();
    struct bytes rest = certificate_chain_der(certificate_pair_chain(pair));
    bool whole = chain != NULL;
    while (whole && rest.n != 0) {
        CLEANUP(x509_cleanup) X509 *certificate = take_certificate(&rest, library);
        whole = certificate != NULL && sk_X509_push(chain, certificate) != 0;
        if (whole) {
            certificate = NULL; /* the stack's now */
        }
    }
    if (!whole) {
        return unparsable(pair, e);
    }
    *ret_chain = TAKE(chain);
    return true;
}

bool certificate_pair_open(const struct certificate_pair *pair, X509 **ret_leaf, EVP_PKEY **ret_key,
                           STACK_OF(X509) * *ret_chain, struct error *e)
{
    CLEANUP(x509_cleanup) X509 *leaf = NULL;
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    if (!pair_open_leaf(pair, NULL, &leaf, &key, e) || !pair_open_chain(pair, NULL, ret_chain, e)) {
        return false;
    }
    *ret_leaf = TAKE(leaf);
    *ret_key = TAKE(key);
    return true;
}
