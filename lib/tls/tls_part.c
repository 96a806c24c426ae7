#include "tls_part.h"

static const char *const NAMES[] = {
    [TLS_PART_KEYS] = "certificate_keys",
    [TLS_PART_SIGNATURES] = "ecdsa",
    [TLS_PART_HMAC] = "hmac",
    [TLS_PART_KEY_SCHEDULE] = "key_schedule",
    [TLS_PART_NAMES] = "cipher_names",
};

static _Thread_local struct tls_part_notes notes;

const char *tls_part_name(enum tls_part part)
{
    return NAMES[part];
}

void tls_part_note(enum tls_part part, bool ours)
{
    (ours ? notes.ours : notes.theirs)[part]++;
}

struct tls_part_notes tls_part_notes(void)
{
    return notes;
}
