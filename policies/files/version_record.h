/* A policy file as it was parsed, in octets: what the memory of what is served
 * (policies/memory/served_memory.h) keeps of each file, so that a start neither reads nor parses it
 * again, and so that it can be served when it is gone or in error. Pure: a struct to octets and
 * back. What is read is not trusted: every length is checked, names are normal and sorted, a digest
 * stands at the end, and what is read writes the same octets again.
 *
 *     record   format number u32, shared policies and domains: counts, entries, digest u64
 *     entry    kind u8 (0 shared, 1 policy, 2 mirror; + 4 with an id, + 8 with a tlsrpt),
 *              name text, place, what it is, id text and place, tlsrpt text
 *     shared   text, place
 *     policy   mode u8, max_age, digest (32 octets), body text
 *     mirror   domain text, mode u8
 *     text     length, octets
 *     place    line, column
 *
 * Numbers without a width have seven bits an octet, the lowest first, and as few octets as may be:
 * most are small. The digest is XXH3 of all before it: it finds damage, not forgery. Whoever can
 * write the memory can change what is served. */
#ifndef POLICIES_FILES_VERSION_RECORD_H
#define POLICIES_FILES_VERSION_RECORD_H

#include "policies/files/policy_file.h"

/* Octets; a file that would need more is not remembered, and parsed at each start. SQLite takes no
 * larger one. */
enum { VERSION_RECORD_MAX = 900 * 1000 * 1000 };

/* Appends FILE; look at OUT's `overflow`, whose cap should be VERSION_RECORD_MAX. */
void version_record_add(struct buffer *out, const struct policy_file *file);

/* IN is one record, no more and no less. False: it is damaged, or of another format. The caller
 * clears RET_FILE with policy_file_clear. */
bool version_record_read(struct bytes in, struct policy_file *ret_file) MUST_USE;

/* A digest of all that a parse depends on besides a file's octets: this program's version, libyaml,
 * libidn2, DEFAULTS and the record's format. A record that was made under another one still says
 * what was served; whether the file says the same now, only a parse tells. */
uint64_t version_record_reader(const struct policy_file_defaults *defaults);

#endif
