/* What a refused update is called, and what to do about it. For dns/publish*.c alone. */
#ifndef LIB_DNS_PUBLISH_WORDS_H
#define LIB_DNS_PUBLISH_WORDS_H

#include "lib/base/buffer.h"
#include "lib/dns/primary.h"

struct publish_refusal {
    const char *server;
    const char *zone;
    const char *key_name;
    const char *key_file;
    unsigned rcode;
    unsigned tsig_error;
};

/* Appends "DNS server 192.0.2.53 refuses zone example.org: REFUSED; allow the key …". */
void publish_refusal_words(const struct publish_refusal *refusal, struct buffer *out);

/* Whether it is about the message as a whole, so that each of its names would meet it again. */
bool publish_refusal_is_of_all(unsigned rcode, unsigned tsig_error);
/* Whether a prerequisite did not hold. */
bool publish_refusal_is_conflict(unsigned rcode);

#endif
