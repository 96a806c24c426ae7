/* The operator's own program that publishes a TXT record, for DNS that takes no updates:
 *
 *     PROGRAM present|cleanup FQDN VALUE
 *
 * and the same in its environment as MTASTS_ACTION, MTASTS_FQDN, MTASTS_VALUE (with PATH, HOME and
 * LANG; nothing else). Exit 0: done, and the record can be looked up. Standard input is empty; the
 * first DNS_HOOK_OUTPUT_MAX octets of its standard error go into the error message. */
#ifndef LIB_DNS_HOOK_H
#define LIB_DNS_HOOK_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"

enum {
    DNS_HOOK_OUTPUT_MAX = 512,
    DNS_HOOK_WORDS_SIZE = DNS_HOOK_OUTPUT_MAX + SAFE_TEXT_ELLIPSIS_ROOM,
};

enum dns_hook_action { DNS_HOOK_PRESENT, DNS_HOOK_CLEANUP };

/* Runs PROGRAM (an absolute path) and waits for its end, at most TIMEOUT_MS; then its process group
 * is killed. FQDN without the final dot. Any thread. */
bool dns_hook_run(const char *program, enum dns_hook_action action, const char *fqdn,
                  const char *value, int64_t timeout_ms, struct error *e) MUST_USE;

/* What a program said in OUTPUT, on one line and fit for a terminal. 0: nothing. Pure. */
size_t dns_hook_words(struct bytes output, char ret_words[DNS_HOOK_WORDS_SIZE]);

#endif
