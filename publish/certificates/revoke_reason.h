/* Why a certificate is revoked, in words for the command line. */
#ifndef PUBLISH_CERTIFICATES_REVOKE_REASON_H
#define PUBLISH_CERTIFICATES_REVOKE_REASON_H

/* The reasons that a subscriber may give (CA/Browser Forum Baseline Requirements §4.9.1.1). */
#define REVOKE_REASONS                                                                             \
    "unspecified|key-compromise|affiliation-changed|superseded|cessation-of-operation"

/* The code of RFC 5280 §5.3.1. WORD is one of REVOKE_REASONS, or NULL: unspecified. */
int revoke_reason_code(const char *word);

#endif
