#include "tls_part.h"

static const struct {
    const char *key;
    const char *name;
} PARTS[] = {
    [TLS_PART_KEYS] = {"keys", "certificate keys on P-256"},
    [TLS_PART_SIGNATURES] = {"signatures", "ECDSA on P-256"},
    [TLS_PART_HMAC] = {"hmac", "HMAC"},
    [TLS_PART_KEY_SCHEDULE] = {"key_schedule", "TLS 1.3 key schedule"},
    [TLS_PART_NAMES] = {"names", "few cipher names"},
};

static _Thread_local struct tls_part_notes notes;

const char *tls_part_key(enum tls_part part)
{
    return PARTS[part].key;
}

const char *tls_part_name(enum tls_part part)
{
    return PARTS[part].name;
}

void tls_part_note(enum tls_part part, bool ours)
{
    (ours ? notes.ours : notes.theirs)[part]++;
}

struct tls_part_notes tls_part_notes(void)
{
    return notes;
}
