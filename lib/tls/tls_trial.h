/* Which of OpenSSL's work is done here (lib/tls/tls_part.h), found out by doing it.
 *
 * A handshake in memory is made in a library of lib/tls/tls_library.h: TLS 1.3 with a certificate
 * on P-256, as senders make it. What of it was asked for in another way than is known, or was not
 * asked for at all, shows in the notes of its parts. It takes some ten milliseconds. */
#ifndef LIB_TLS_TLS_TRIAL_H
#define LIB_TLS_TLS_TRIAL_H

#include "lib/base/error.h"
#include "lib/tls/tls_part.h"

enum { TLS_TRIAL_TEXT_MAX = 160 };

struct tls_trial {
    char openssl[TLS_TRIAL_TEXT_MAX];        /* "OpenSSL 3.0.19 …", of the library that runs */
    const char *groups;                      /* that a server offers, names with colons between */
    char group[TLS_TRIAL_TEXT_MAX];          /* in which this handshake agreed on its keys */
    char why[TLS_PARTS][TLS_TRIAL_TEXT_MAX]; /* a part is not in use; empty: it is */
};

/* After tls_library_prepare, where that is called at all. False: there is no handshake at all. */
bool tls_trial_make(struct tls_trial *ret_trial, struct error *e) MUST_USE;

bool tls_trial_uses(const struct tls_trial *trial, enum tls_part part);

#endif
