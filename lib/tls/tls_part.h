/* The parts of TLS that are done here in OpenSSL's place, and who did one when it was asked for.
 *
 * OpenSSL asks for its algorithms' functions in ways that it may change with any release; then its
 * own do the work, as right and slower. So that this is seen, each part notes for the thread that
 * it runs in who did it. lib/tls/tls_trial.h has a handshake made and reads the notes; nobody else
 * does, and no other thread sees them. */
#ifndef LIB_TLS_TLS_PART_H
#define LIB_TLS_TLS_PART_H

#include <stdbool.h>
#include <stddef.h>

enum tls_part {
    TLS_PART_KEYS,         /* certificates' keys on P-256 as octets, lib/tls/octet_key.h */
    TLS_PART_SIGNATURES,   /* made with them, lib/tls/ec_signature.h */
    TLS_PART_HMAC,         /* lib/tls/hmac_functions.h */
    TLS_PART_KEY_SCHEDULE, /* of TLS 1.3, lib/tls/tls13_kdf.h */
    TLS_PART_NAMES,        /* few names of ciphers, tls_library_prepare */
    TLS_PARTS,
};

/* As in the log, in `status` and in metrics: lower case, without spaces. */
const char *tls_part_name(enum tls_part part);

/* How often each part was asked for in this thread. */
struct tls_part_notes {
    size_t ours[TLS_PARTS];
    size_t theirs[TLS_PARTS];
};

void tls_part_note(enum tls_part part, bool ours);
struct tls_part_notes tls_part_notes(void);

#endif
