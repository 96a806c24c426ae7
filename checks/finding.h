/* What may be found of a domain, as a table: each kind has a code that stays, and says why it
 * matters to mail and what to do. mtasts-findings(7) has the same table; a test holds them
 * together.
 */
#ifndef CHECKS_FINDING_H
#define CHECKS_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

enum finding_severity {
    FINDING_NOTE,
    FINDING_WARNING, /* some senders, or soon, or worse than it could be */
    FINDING_ERROR,   /* loses mail, or the protection */
};

enum finding_kind {
    /* The DNS, of whatever name */
    FINDING_DNS_FAILED,
    FINDING_DNS_LAME,
    FINDING_DNS_BOGUS,
    FINDING_DNS_TIMEOUT,
    FINDING_DNS_ALIAS_LOOP,
    FINDING_DNS_ALIAS_DANGLING,
    FINDING_DNS_UNUSABLE,
    FINDING_DOMAIN_MISSING,
    /* The record at _mta-sts */
    FINDING_NO_MTA_STS,
    FINDING_RECORD_MISSING,
    FINDING_RECORD_MISPLACED,
    FINDING_RECORD_NOT_STS,
    FINDING_RECORD_DUPLICATE,
    FINDING_RECORD_OTHER_TEXT,
    FINDING_RECORD_MALFORMED,
    FINDING_RECORD_ID_MISSING,
    FINDING_RECORD_ID_INVALID,
    FINDING_RECORD_FORM,
    FINDING_RECORD_TTL_LONG,
    FINDING_ID_STALE,
    /* The policy host */
    FINDING_HOST_MISSING,
    FINDING_HOST_NO_IPV4,
    FINDING_HTTPS_REFUSED,
    FINDING_HTTPS_NO_CONNECT,
    FINDING_HTTPS_NO_TLS,
    FINDING_HTTPS_TLS_OLD,
    FINDING_HTTPS_STALLED,
    FINDING_HTTPS_BROKEN,
    FINDING_TLS12_MISSING,
    FINDING_TLS13_MISSING,
    FINDING_ADDRESSES_DIFFER,
    /* Its certificate */
    FINDING_CERTIFICATE_EXPIRED,
    FINDING_CERTIFICATE_NOT_YET_VALID,
    FINDING_CERTIFICATE_WRONG_NAME,
    FINDING_CERTIFICATE_SELF_SIGNED,
    FINDING_CERTIFICATE_CHAIN_INCOMPLETE,
    FINDING_CERTIFICATE_CHAIN_EXPIRED,
    FINDING_CERTIFICATE_UNTRUSTED,
    FINDING_CERTIFICATE_WEAK,
    FINDING_CERTIFICATE_INVALID,
    FINDING_CERTIFICATE_EXPIRES_SOON,
    FINDING_CAA_FORBIDS,
    /* What it answers */
    FINDING_POLICY_REDIRECT,
    FINDING_POLICY_NOT_FOUND,
    FINDING_POLICY_SERVER_ERROR,
    FINDING_POLICY_STATUS,
    FINDING_POLICY_CONTENT_TYPE,
    FINDING_POLICY_CONTENT_TYPE_FORM,
    FINDING_POLICY_CONTENT_CODED,
    FINDING_POLICY_TOO_LONG,
    FINDING_POLICY_SLOW,
    FINDING_POLICY_EMPTY,
    FINDING_POLICY_INVALID,
    FINDING_POLICY_RISKY,
    FINDING_POLICY_LINE_ENDS,
    /* What the policy says */
    FINDING_MODE_TESTING,
    FINDING_MODE_NONE,
    FINDING_MAX_AGE_SHORT,
    FINDING_MAX_AGE_LONG,
    FINDING_POLICY_NOT_OURS,
    FINDING_ID_NOT_OURS,
    FINDING_ID_UNTIED,
    /* The hosts that receive mail */
    FINDING_MX_NOT_IN_POLICY,
    FINDING_MX_NONE_IN_POLICY,
    FINDING_PATTERN_UNUSED,
    FINDING_NULL_MX,
    FINDING_MX_IMPLICIT,
    FINDING_MX_HOST_MISSING,
    FINDING_MX_ALIAS,
    FINDING_MX_REFUSED,
    FINDING_MX_NO_CONNECT,
    FINDING_MX_STALLED,
    FINDING_MX_BROKEN,
    FINDING_MX_NO_STARTTLS,
    FINDING_MX_NO_TLS,
    FINDING_MX_TLS_OLD,
    FINDING_MX_CERTIFICATE_EXPIRED,
    FINDING_MX_CERTIFICATE_NOT_YET_VALID,
    FINDING_MX_CERTIFICATE_WRONG_NAME,
    FINDING_MX_CERTIFICATE_SELF_SIGNED,
    FINDING_MX_CERTIFICATE_CHAIN_INCOMPLETE,
    FINDING_MX_CERTIFICATE_CHAIN_EXPIRED,
    FINDING_MX_CERTIFICATE_UNTRUSTED,
    FINDING_MX_CERTIFICATE_WEAK,
    FINDING_MX_CERTIFICATE_INVALID,
    FINDING_MX_CERTIFICATE_EXPIRES_SOON,
    FINDING_DANE,
    /* Reports */
    FINDING_TLSRPT_MISSING,
    FINDING_TLSRPT_DUPLICATE,
    FINDING_TLSRPT_MALFORMED,
    FINDING_TLSRPT_DNS,
    /* The look itself */
    FINDING_NOT_ALL_SEEN,
    FINDING_KINDS,
};

struct finding_facts {
    const char *code;
    enum finding_severity severity;
    /* In enforce it is as severe as that; in testing one less; without a policy a note. */
    bool by_mode;
    const char *title;
    const char *why; /* it matters to mail */
    const char *advice;
    const char *rfc; /* NULL: none says so */
};

const struct finding_facts *finding_facts(enum finding_kind kind);
/* "error", "warning", "note". */
const char *finding_severity_name(enum finding_severity severity);
bool finding_severity_parse(struct bytes text, enum finding_severity *ret_severity) MUST_USE;

#endif
