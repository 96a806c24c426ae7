/* The operator's own program that publishes a TXT record, for DNS that takes no updates:
 *
 *     PROGRAM present|cleanup FQDN VALUE
 *
 * and the same in its environment as MTASTS_ACTION, MTASTS_FQDN, MTASTS_VALUE (with PATH, HOME and
 * LANG; nothing else). Exit 0: done, and the record can be looked up. Standard input is empty; the
 * first PROGRAM_OUTPUT_MAX octets of its standard error go into the error message. */
#ifndef LIB_DNS_HOOK_H
#define LIB_DNS_HOOK_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"

enum dns_hook_action { DNS_HOOK_PRESENT, DNS_HOOK_CLEANUP };

/* Runs PROGRAM (an absolute path) and waits for its end, at most TIMEOUT_MS; then its process group
 * is killed. FQDN without the final dot. Any thread. */
bool dns_hook_run(const char *program, enum dns_hook_action action, const char *fqdn,
                  const char *value, int64_t timeout_ms, struct error *e) MUST_USE;

#endif
