#include "tls_hello_guard.h"

enum {
    RECORD_HEAD = 5,   /* type, version (2), length (2) */
    RECORD_LENGTH = 3, /* where it stands */
    MESSAGE_HEAD = 4,  /* type, length (3) */
    MESSAGE_LENGTH = 1,
    HANDSHAKE = 22
};

static void read_record_head(struct tls_hello_guard *guard, unsigned char octet)
{
    if (guard->record_head == 0) {
        guard->record_type = octet;
        guard->record_left = 0;
    } else if (guard->record_head >= RECORD_LENGTH) {
        guard->record_left = (uint16_t)(guard->record_left << 8 | octet);
    }
    guard->record_head++;
    if (guard->record_head == RECORD_HEAD && guard->record_left == 0) {
        guard->record_head = 0; /* it is empty: the next one's head follows */
    }
}

static void read_message_head(struct tls_hello_guard *guard, unsigned char octet)
{
    guard->message_left =
        guard->message_head < MESSAGE_LENGTH ? 0 : guard->message_left << 8 | octet;
    guard->message_head++;
    if (guard->message_head == MESSAGE_HEAD) {
        guard->refuses = guard->message_left > TLS_HELLO_MAX;
        guard->message_head = guard->message_left == 0 ? 0 : MESSAGE_HEAD;
    }
}

/* Some of OCTETS, which are of a record that carries messages: how many. */
static size_t read_message(struct tls_hello_guard *guard, struct bytes octets)
{
    if (guard->message_head < MESSAGE_HEAD) {
        read_message_head(guard, (unsigned char)octets.p[0]);
        return 1;
    }
    size_t n = octets.n < guard->message_left ? octets.n : guard->message_left;
    guard->message_left -= (uint32_t)n;
    if (guard->message_left == 0) {
        guard->message_head = 0;
    }
    return n;
}

/* Some of OCTETS: how many. */
static size_t read_some(struct tls_hello_guard *guard, struct bytes octets)
{
    if (guard->record_head < RECORD_HEAD) {
        read_record_head(guard, (unsigned char)octets.p[0]);
        return 1;
    }
    size_t n = octets.n < guard->record_left ? octets.n : guard->record_left;
    if (guard->record_type == HANDSHAKE) {
        n = read_message(guard, (struct bytes){octets.p, n});
    }
    guard->record_left = (uint16_t)(guard->record_left - n);
    if (guard->record_left == 0) {
        guard->record_head = 0;
    }
    return n;
}

bool tls_hello_guard_pass(struct tls_hello_guard *guard, struct bytes octets)
{
    while (octets.n != 0 && !guard->refuses) {
        octets = bytes_skip(octets, read_some(guard, octets));
    }
    return !guard->refuses;
}
