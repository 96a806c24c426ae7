#include "p256_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "acme/protocol/openssl_error.h"

bool p256_key_generate(EVP_PKEY **ret_key, struct error *e)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (key == NULL) {
        return openssl_error("make a P-256 key", e);
    }
    *ret_key = key;
    return true;
}

void p256_key_print(const EVP_PKEY *key, struct buffer *pem)
{
    BIO *bio = BIO_new(BIO_s_mem()); /* wipes its memory when it grows and when it is freed */
    char *text = NULL;
    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    long n = BIO_get_mem_data(bio, &text);
    buffer_add(pem, (struct bytes){text, (size_t)n});
    BIO_free(bio);
}

bool p256_key_is(const EVP_PKEY *key)
{
    char curve[32] = "";
    bool is = EVP_PKEY_is_a(key, "EC") &&
              EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
              OBJ_txt2nid(curve) == NID_X9_62_prime256v1;
    ERR_clear_error();
    return is;
}
