/* The DNS records of a domain, as text: `_mta-sts` (RFC 8461 §3.1), `_smtp._tls` (RFC 8460 §3),
 * and what a tenant sets once. */
#ifndef POLICIES_MODEL_TXT_RECORD_H
#define POLICIES_MODEL_TXT_RECORD_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

/* One TXT record. NAME without trailing dot; DATA is the record's text before it is cut into
 * strings of 255. */
struct txt_record {
    struct bytes name;
    struct bytes data;
    uint32_t ttl_s;
};

/* Appends `v=STSv1; id=ID;` — this exact form is what every reader studied accepts. */
void txt_record_sts(struct bytes id, struct buffer *out);

/* Checks a TLS-RPT URI (mailto: with one address, or https: with a host), percent-encodes `!`, `,`
 * and `;`, and appends it. Nothing is appended on failure. */
bool txt_record_tlsrpt_uri(struct bytes uri, struct buffer *out, struct error *e) MUST_USE;

/* Appends `v=TLSRPTv1; rua=URIS`; URIS is a comma-separated list of encoded URIs. */
void txt_record_tlsrpt(struct bytes uris, struct buffer *out);

/* Appends `NAME. TTL IN TXT "…" "…"` and a newline: zone-file syntax, quotes and backslashes
 * escaped. */
void txt_record_zone_line(const struct txt_record *record, struct buffer *out);

/* Appends the nsupdate(1) commands, `send` included, that replace whatever TXT or CNAME is there.
 */
void txt_record_nsupdate_lines(const struct txt_record *record, struct buffer *out);

#endif
