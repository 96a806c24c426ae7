/* What in a deployment some sender takes otherwise than RFC 8461 says, or than the others do: found
 * in the TXT records, in one address's answer, in the MX hosts. No sender is named here; what each
 * makes of a trait is in checks/sender_rules.h. */
#ifndef CHECKS_SENDER_TRAITS_H
#define CHECKS_SENDER_TRAITS_H

#include "checks/observation.h"

/* In the order in which a sender meets them. */
enum sender_trait {
    TRAIT_RECORD_TWICE,      /* two STSv1 records */
    TRAIT_RECORD_OTHER_TEXT, /* a TXT record of another kind beside the one */
    TRAIT_RECORD_VERSION,    /* nearly "v=STSv1;": another case, or a space before the semicolon */
    TRAIT_RECORD_NO_ID,
    TRAIT_RECORD_ID,            /* not 1 to 32 letters and digits */
    TRAIT_RECORD_MALFORMED,     /* in another way */
    TRAIT_RECORD_LOOSE,         /* valid, and not exactly "v=STSv1; id=ID;" */
    TRAIT_CERTIFICATE_NAMELESS, /* no subjectAltName: some look at the common name then */
    TRAIT_CERTIFICATE_WEAK,     /* a key or a signature that our TLS library takes for too weak */
    TRAIT_STATUS,               /* neither 2xx nor 3xx */
    TRAIT_STATUS_2XX,           /* of 2xx, but not 200 */
    TRAIT_REDIRECT,
    TRAIT_CONTENT_TYPE,           /* none, or not text/plain */
    TRAIT_CONTENT_TYPE_CASE,      /* text/plain, but not in lower case */
    TRAIT_CONTENT_TYPE_PARAMETER, /* "; charset=…" */
    TRAIT_CONTENT_GZIP,           /* compressed, and that was not asked for */
    TRAIT_CONTENT_CODED,          /* in another way */
    TRAIT_BOM,
    TRAIT_BLANK_LINE,
    TRAIT_NOT_ASCII, /* and no charset says what it is */
    TRAIT_REPEATED,  /* version, mode or max_age stands twice */
    TRAIT_NO_VERSION,
    TRAIT_NO_MODE,
    TRAIT_MODE_UNKNOWN,
    TRAIT_MODE_TESTING,
    TRAIT_NO_MAX_AGE,
    TRAIT_MAX_AGE_LONG,  /* over 31557600 s */
    TRAIT_MAX_AGE_SHORT, /* under an hour */
    TRAIT_NO_MX,         /* with enforce or testing */
    TRAIT_NONE_WITHOUT_MX,
    TRAIT_EXTENSION_COLON, /* a colon in the value of a field that the RFC does not name */
    TRAIT_MX_DOT,          /* a pattern with a trailing dot */
    TRAIT_MX_UNICODE,      /* a pattern with letters other than ASCII's */
    TRAIT_INVALID,         /* no policy by the RFC's grammar, in none of these ways */
    TRAIT_WILDCARD_DEPTH,  /* an MX host is more than one label below "*." and matches nothing else
                            */
    TRAIT_COUNT,
};

/* A bit for each trait. */
typedef uint64_t sender_trait_set;

static inline bool sender_trait_has(sender_trait_set set, enum sender_trait trait)
{
    return (set >> trait & 1) != 0;
}

/* Of the TXT records. RET_FOUND: whether there is any that some sender takes for an STS record. */
sender_trait_set sender_traits_of_record(const struct observed_txt *txt, bool *ret_found);

/* Of a certificate that was seen. Empty: it is good, or bad in a way in which nobody takes it. */
sender_trait_set sender_traits_of_certificate(const struct observed_certificate *certificate);

/* Of one address that gave a whole answer; its certificate is not looked at. */
sender_trait_set sender_traits_of_answer(const struct observed_https *https);

/* Of the MX hosts under POLICY (may be NULL). */
sender_trait_set sender_traits_of_mx(const struct observation *observation,
                                     const struct policy *policy);

#endif
