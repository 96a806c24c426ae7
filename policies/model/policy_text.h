/* Somebody else's mta-sts.txt (RFC 8461 §3.2): the RFC's grammar decides whether it is valid, and
 * what some deployed sender refuses although the RFC allows it is a warning that names the sender.
 *
 * Errors, as the grammar has none of it: blank lines, a byte order mark, comments, white space
 * before the colon, an mx with a trailing dot or as U-label. Warnings: a repeated field, `none`
 * without mx, max_age under an hour, an extension field with a colon or non-ASCII in its value. */
#ifndef POLICIES_MODEL_POLICY_TEXT_H
#define POLICIES_MODEL_POLICY_TEXT_H

#include "lib/base/diagnostics.h"
#include "policies/model/policy.h"

/* FILE names the text in diagnostics. LF or CRLF, fields in any order, the first of a repeated
 * field counts, unknown fields are ignored, white space as the ABNF allows; max_age over 31557600
 * and texts over 64 KiB are errors. True: *RET_POLICY is the same policy in the safe form (free
 * it), D may have warnings. False: D has at least one error. */
bool policy_text_parse(struct bytes text, const char *file, struct policy **ret_policy,
                       struct diagnostics *d) MUST_USE;

/* Whether TYPE, the value of a Content-Type field or NULL, is text/plain (RFC 8461 §3.3), with
 * whatever parameters. */
bool policy_text_is_plain(const char *type);

#endif
