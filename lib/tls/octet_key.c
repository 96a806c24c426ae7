#include "octet_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "lib/base/secret_memory.h"

struct octet_key *octet_key_new(const unsigned char point[static OCTET_KEY_POINT])
{
    struct octet_key *key = secret_memory_new(sizeof(*key));
    memcpy(key->point, point, OCTET_KEY_POINT);
    return key;
}

void octet_key_free(struct octet_key *key)
{
    secret_memory_free(key, sizeof(*key));
}

bool octet_key_is(const EVP_PKEY *key)
{
    int is = 0;
    return EVP_PKEY_get_int_param(key, OCTET_KEY_PARAM, &is) == 1 && is == 1;
}

bool octet_key_complete(EVP_PKEY *key, struct bytes scalar)
{
    while (scalar.n != 0 && scalar.p[0] == 0) {
        scalar = bytes_skip(scalar, 1);
    }
    return octet_key_is(key) &&
           EVP_PKEY_set_octet_string_param(key, OSSL_PKEY_PARAM_PRIV_KEY,
                                           (const unsigned char *)scalar.p, scalar.n) == 1;
}
