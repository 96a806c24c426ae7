#include "certificate_check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

bool certificate_check_strength(X509 *certificate, const char *path, size_t number, struct error *e)
{
    enum { BITS = 112 };
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    int signature_bits = BITS;
    /* A self-signed certificate's signature proves nothing and may be anything. */
    if ((X509_get_extension_flags(certificate) & EXFLAG_SS) == 0) {
        (void)X509_get_signature_info(certificate, NULL, NULL, &signature_bits, NULL);
    }
    bool strong = key != NULL && EVP_PKEY_get_security_bits(key) >= BITS && signature_bits >= BITS;
    ERR_clear_error();
    if (!strong) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: certificate %zu has a weak key or signature, which no sender "
                         "accepts; get one with ECDSA P-256 or RSA 2048 and SHA-256",
                         path, number);
    }
    return true;
}

bool certificate_check_key(const X509 *leaf, const char *path, struct error *e)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
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
    return error_set(e, ERROR_SYNTAX,
                     "%s: the certificate's key is neither RSA nor ECDSA with P-256, P-384 or "
                     "P-521; get one with ECDSA P-256",
                     path);
}
