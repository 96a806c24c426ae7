/* What OpenSSL's error queue says, as an error of ours. */
#ifndef ACME_PROTOCOL_OPENSSL_ERROR_H
#define ACME_PROTOCOL_OPENSSL_ERROR_H

#include "lib/base/error.h"

/* False, with "OpenSSL cannot WHAT: its reason" in E; empties the queue. */
bool openssl_error(const char *what, struct error *e);

#endif
