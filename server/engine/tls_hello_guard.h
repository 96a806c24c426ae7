/* Follows what a client says before there are keys, and notices a message that announces too much.
 *
 * OpenSSL takes and clears room for a whole ClientHello as soon as it has read how long it is going
 * to be, and allows 131,396 octets: nine octets would hold as much memory, for all the time that a
 * handshake may take. Hellos have some 300 octets, with post-quantum key shares some 2,000.
 *
 *     struct tls_hello_guard guard = {0};
 *     if (!tls_hello_guard_pass(&guard, octets))    // as they come, however they are cut
 *         end the handshake
 *
 * Records (RFC 8446 §5.1) are type, version, length of 16 bits; handshake messages (§4) in those of
 * type 22 are type, length of 24 bits, and go over the records' bounds as they like. All messages
 * are held to the limit, since a second hello may come after a HelloRetryRequest. Records of other
 * types are passed over, whatever is in them. Encrypted records of type 22, as TLS 1.2 has after
 * ChangeCipherSpec, are not for the guard: it would take them for messages. */
#ifndef SERVER_ENGINE_TLS_HELLO_GUARD_H
#define SERVER_ENGINE_TLS_HELLO_GUARD_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

/* Octets of a message after its head. OpenSSL has room for as many in any handshake. */
enum { TLS_HELLO_MAX = 16 * 1024 };

/* All zero before the first octet. The fields are the guard's own. */
struct tls_hello_guard {
    uint32_t message_left;      /* octets of the message that are still to come */
    uint16_t record_left;       /* of the record */
    unsigned char message_head; /* octets of the message's head that have come */
    unsigned char record_head;  /* of the record's */
    unsigned char record_type;
    bool refuses;
};

/* False: OCTETS, or some before them, announce a message of more than TLS_HELLO_MAX. */
bool tls_hello_guard_pass(struct tls_hello_guard *guard, struct bytes octets) MUST_USE;

#endif
