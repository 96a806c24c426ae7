/* The key that signs updates (RFC 8945), from a file as BIND's tsig-keygen(8) writes it:
 *
 *     key "publisher" {
 *             algorithm hmac-sha256;
 *             secret "3CTqB5f1eS1tNCHF6vPcbEXz5ZLwLG2UL1mwP9rQ0fo=";
 *     };
 *
 * Comments are C's, C++'s and the shell's, as in named.conf(5). */
#ifndef LIB_DNS_TSIG_KEY_H
#define LIB_DNS_TSIG_KEY_H

#include "lib/base/bytes.h"
#include "lib/base/error.h"

enum {
    DNS_TSIG_FILE_MAX = 64 * 1024,
    DNS_TSIG_SECRET_MIN = 16,  /* octets; fewer are guessed */
    DNS_TSIG_SECRET_MAX = 512, /* digits */
};

struct dns_tsig_key {
    char *name;            /* lower-case, with the final dot, as ldns takes it */
    const char *algorithm; /* "hmac-sha256." */
    char *secret;          /* base64 */
};

/* Pure. Errors have their line. */
bool dns_tsig_key_parse(struct bytes text, struct dns_tsig_key *ret_key, struct error *e) MUST_USE;
/* The same of the file PATH, which others than its owner and group may not read. */
bool dns_tsig_key_load(const char *path, struct dns_tsig_key *ret_key, struct error *e) MUST_USE;
/* The secret is overwritten. A key that is all zero is fine. */
void dns_tsig_key_clear(struct dns_tsig_key *key);

#endif
