/* What was seen of one domain from outside, and nothing else: no judgement. Filled in by
 * checks/observe.h, judged by checks/findings.h and by the sender matrix. Plain data: whoever
 * writes a test fills it in by hand.
 *
 * Zero-initialised: nothing was looked at. */
#ifndef CHECKS_OBSERVATION_H
#define CHECKS_OBSERVATION_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/diagnostics.h"
#include "lib/dns/lookup.h"
#include "lib/dns/name.h"
#include "policies/model/policy.h"

enum {
    OBSERVATION_BODY_MAX = 1024 * 1024 + 1, /* one octet more than the most patient sender takes */
    OBSERVATION_ADDRESSES_MAX = 16,         /* that are looked at, of one name */
    OBSERVATION_MX_MAX = 32,
    OBSERVATION_WHY_SIZE = 256,
    OBSERVATION_CERTIFICATE_WHY_SIZE = 160,
    OBSERVATION_ISSUER_SIZE = 128,
    OBSERVATION_NAMES_SIZE = 256,
    OBSERVATION_KEY_SIZE = 16,
    OBSERVATION_GROUP_SIZE = 40,
    OBSERVATION_CAA_WHY_SIZE = 512,
};

/* How far a connection came. */
enum observed_outcome {
    OBSERVED_NOTHING,      /* not tried */
    OBSERVED_UNREACHABLE,  /* refused, or no route */
    OBSERVED_NO_CONNECT,   /* no answer to the connection in time */
    OBSERVED_NO_TLS,       /* connected, but TLS could not be agreed upon (alerts among it) */
    OBSERVED_TLS_TOO_OLD,  /* the same: the server knows no TLS 1.2 */
    OBSERVED_NO_STARTTLS,  /* SMTP: not offered, or refused */
    OBSERVED_WRONG_ANSWER, /* an answer that is no HTTP (or no SMTP), or was broken off */
    OBSERVED_TIMED_OUT,    /* connected, then too slow */
    OBSERVED_ANSWERED,     /* a whole HTTP answer; of SMTP: TLS is up */
};

enum observed_answer { OBSERVED_UNKNOWN, OBSERVED_NO, OBSERVED_YES };

/* The certificate that a server showed, and what verification made of it. It was taken whatever
 * it was, so that more can be told than the first thing that is wrong. */
struct observed_certificate {
    bool seen;
    bool chain_verified; /* to a trusted root, all dates included */
    bool name_matched;
    bool self_signed;
    int verify_error; /* OpenSSL's X509_V_ERR_…; 0 where chain_verified */
    char why[OBSERVATION_CERTIFICATE_WHY_SIZE]; /* the same in words */
    int64_t not_before_s;
    int64_t not_after_s;
    int64_t chain_not_after_s;      /* the earliest end in the chain as it was sent */
    char key[OBSERVATION_KEY_SIZE]; /* "RSA", "EC", "ED25519" */
    unsigned key_bits;
    size_t sent; /* certificates that the server sent, the leaf included */
    char issuer[OBSERVATION_ISSUER_SIZE];
    char names[OBSERVATION_NAMES_SIZE]; /* its DNS names, joined by commas, cut */
};

/* As a sender needs it. */
static inline bool observed_certificate_is_good(const struct observed_certificate *certificate)
{
    return certificate->seen && certificate->chain_verified && certificate->name_matched;
}

/* https://mta-sts.DOMAIN/.well-known/mta-sts.txt at one address. */
struct observed_https {
    char address[DNS_ADDRESS_SIZE];
    enum observed_outcome outcome;
    char why[OBSERVATION_WHY_SIZE]; /* in words, where it is not OBSERVED_ANSWERED */
    int tls_version; /* as agreed upon where the client offers 1.2 and 1.3: 12, 13; 0: none */
    enum observed_answer tls12;
    enum observed_answer tls13;
    char group[OBSERVATION_GROUP_SIZE]; /* as in observed_smtp, of the connection that answered */
    struct observed_certificate certificate;
    /* What follows only where the outcome is OBSERVED_ANSWERED. */
    long status;
    char *content_type;         /* as sent; NULL: none; owned */
    char *content_coding;       /* Content-Encoding, the same; `body` is decoded */
    char *location;             /* the same */
    struct buffer body;         /* of any status */
    bool body_too_long;         /* over OBSERVATION_BODY_MAX: cut, the rest was not read */
    int64_t time_ms;            /* connection, TLS and answer together; of failures, too */
    struct policy *policy;      /* what a 200's body says; NULL where it is no policy; owned */
    struct diagnostics remarks; /* of policies/model/policy_text.h on that body */
};

/* Whether the body came compressed. */
static inline bool observed_https_is_coded(const struct observed_https *https)
{
    return https->content_coding != NULL &&
           !bytes_equal_nocase(bytes_of(https->content_coding), BYTES("identity"));
}

/* Port 25 at one address of an MX. */
struct observed_smtp {
    char address[DNS_ADDRESS_SIZE];
    enum observed_outcome outcome;
    char why[OBSERVATION_WHY_SIZE];
    enum observed_answer starttls; /* offered and accepted */
    int tls_version;
    char group[OBSERVATION_GROUP_SIZE]; /* that keys were agreed in, in OpenSSL's words: "x25519",
                                           "X25519MLKEM768"; empty: none, or no handshake */
    struct observed_certificate certificate; /* name_matched: for the MX's name */
    int64_t time_ms;
};

struct observed_mx {
    uint16_t preference;
    bool implicit; /* there is no MX record: the domain itself (RFC 5321 §5.1) */
    struct dns_name host;
    struct dns_trace a;
    struct dns_trace aaaa;
    struct observed_smtp *smtp; /* by address, IPv4 first; owned */
    size_t smtp_count;
    struct dns_trace tlsa; /* of _25._tcp.HOST */
    size_t tlsa_count;     /* TLSA records: DANE (RFC 7672), where the zone is signed */
};

struct observed_txt {
    struct dns_trace trace;
    struct dns_txt_set texts; /* strings joined; owned */
};

struct observation {
    struct dns_name domain;
    int64_t time_s; /* when */

    struct observed_txt sts;    /* _mta-sts.DOMAIN */
    struct dns_name misplaced;  /* where a record of it stands instead; n is 0: nowhere looked at */
    struct observed_txt tlsrpt; /* _smtp._tls.DOMAIN */

    struct dns_trace a; /* mta-sts.DOMAIN; its aliases are the host's */
    struct dns_trace aaaa;
    struct observed_https *https; /* by address, IPv4 first; owned */
    size_t https_count;
    size_t https_left_out; /* addresses past OBSERVATION_ADDRESSES_MAX */

    struct dns_trace mx_trace;
    bool null_mx;           /* RFC 7505 */
    struct observed_mx *mx; /* by preference; owned */
    size_t mx_count;
    size_t mx_left_out;
    size_t connections_left_out; /* to addresses: the time was up */

    /* Whether CAA lets our CAs issue for mta-sts.DOMAIN; unknown where it was not asked. */
    enum observed_answer caa_allows;
    char caa_why[OBSERVATION_CAA_WHY_SIZE];
};

void observation_clear(struct observation *observation);

/* Reads the body of a 200 as a policy: sets `policy` and `remarks`. Pure. */
void observation_read_policy(struct observed_https *https);

/* The first address's policy that there is, or NULL; IPv4 before IPv6. */
const struct policy *observation_policy(const struct observation *observation);

#endif
