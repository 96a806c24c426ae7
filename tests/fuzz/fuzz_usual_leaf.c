/* A server's certificate as DER: what the walk takes (lib/certificates/usual_leaf.h), OpenSSL takes
 * as well, and sees the same key, dates and names in it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "../unit/lib/certificates/usual_leaf_agrees.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct curves curves = {0};
    bool usual = false;
    const char *wrong =
        usual_leaf_agrees((struct bytes){(const char *)data, size}, &curves, &usual);
    if (wrong != NULL) {
        (void)fprintf(stderr, "to OpenSSL %s\n", wrong);
        abort();
    }
    curves_clear(&curves);
    ERR_clear_error();
    return 0;
}
