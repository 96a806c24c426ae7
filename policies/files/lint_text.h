/* Lint of what others publish: the text of a policy, the text of a TXT record. Offline. */
#ifndef POLICIES_FILES_LINT_TEXT_H
#define POLICIES_FILES_LINT_TEXT_H

#include "lib/base/diagnostics.h"
#include "lib/dns/name.h"

/* MX hosts that were named, normalised. Zero-initialised is empty. */
struct lint_hosts {
    struct dns_name *items;
    size_t count;
};

/* False: one of TEXTS is no host name; E says which. */
bool lint_hosts_parse(const char *const *texts, size_t count, struct lint_hosts *ret_hosts,
                      struct error *e) MUST_USE;
void lint_hosts_clear(struct lint_hosts *hosts);

bool lint_is_text(const char *path); /* *.txt: an mta-sts.txt */

/* The policy in the file PATH. Where HOSTS has any and the mode is not `none`, a host that no
 * pattern matches is an error, a pattern that no host uses a warning. */
void lint_text(const char *path, const struct lint_hosts *hosts, struct diagnostics *d);

/* TEXTS are the TXT records of one name, as senders read them (policies/model/sts_record.h); placed
 * as if
 * "--txt" were a file, with a line for each. */
void lint_records(const char *const *texts, size_t count, struct diagnostics *d);

#endif
