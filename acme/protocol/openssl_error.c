#include "openssl_error.h"

#include <openssl/err.h>

bool openssl_error(const char *what, struct error *e)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(e, ERROR_SYSTEM, "OpenSSL cannot %s: %s; look at its configuration", what,
                     reason != NULL ? reason : "no reason given");
}
