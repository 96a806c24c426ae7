#include "certificate_check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static bool is_strong_in_full(const struct certificate_view *view)
{
    enum { BITS = 112 };
    CLEANUP(x509_cleanup) X509 *certificate = certificate_view_full(view);
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    int signature_bits = BITS;
    /* A self-signed certificate's signature proves nothing and may be anything. */
    if (certificate != NULL && (X509_get_extension_flags(certificate) & EXFLAG_SS) == 0) {
        (void)X509_get_signature_info(certificate, NULL, NULL, &signature_bits, NULL);
    }
    bool strong = key != NULL && EVP_PKEY_get_security_bits(key) >= BITS && signature_bits >= BITS;
    ERR_clear_error();
    return strong;
}

bool certificate_check_strength(const struct certificate_view *certificate, const char *path,
                                size_t number, struct error *e)
{
    bool known = certificate_view_key(certificate)->kind != CERTIFICATE_KEY_OTHER &&
                 certificate_view_is_signed_strongly(certificate);
    if (!known && !is_strong_in_full(certificate)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: certificate %zu has a weak key or signature, which no sender "
                         "accepts; get one with ECDSA P-256 or RSA 2048 and SHA-256",
                         path, number);
    }
    return true;
}

static bool is_key_taken_in_full(const struct certificate_view *view)
{
    CLEANUP(x509_cleanup) X509 *leaf = certificate_view_full(view);
    const EVP_PKEY *key = leaf != NULL ? X509_get0_pubkey(leaf) : NULL;
    char curve[32] = "";
    if (key != NULL && EVP_PKEY_is_a(key, "RSA")) {
        return true; /* certificate_check_strength sees to 2048 bits */
    }
    if (key != NULL && EVP_PKEY_is_a(key, "EC") &&
        EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1) {
        int nid = OBJ_txt2nid(curve);
        if (nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1) {
            return true;
        }
    }
    ERR_clear_error();
    return false;
}

bool certificate_check_key(const struct certificate_view *leaf, const char *path, struct error *e)
{
    if (certificate_view_key(leaf)->kind == CERTIFICATE_KEY_OTHER && !is_key_taken_in_full(leaf)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the certificate's key is neither RSA nor ECDSA with P-256, P-384 or "
                         "P-521; get one with ECDSA P-256",
                         path);
    }
    return true;
}
