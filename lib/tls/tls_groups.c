#include "tls_groups.h"

#include <openssl/err.h>

#include "lib/base/memory.h"

/* OpenSSL refuses a list with a name that it does not know; 3.0 has no way to say "if you have it".
 * A list without "/" is one tuple to OpenSSL 3.5, in which a key share goes before preference. */
static const char *const LISTS[] = {
    "X25519MLKEM768:X25519:P-256:P-384",
    "X25519:P-256:P-384",
};

const char *tls_groups_set(SSL_CTX *ssl)
{
    for (size_t i = 0; i < ARRAY_LENGTH(LISTS); i++) {
        if (SSL_CTX_set1_groups_list(ssl, LISTS[i]) == 1) {
            return LISTS[i];
        }
        ERR_clear_error();
    }
    return NULL;
}
