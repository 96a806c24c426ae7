/* An MTA-STS policy (RFC 8461 §3.2): rendered once in the form that every known sender accepts,
 * digested once, immutable from then on.
 *
 *     version: STSv1\r\n
 *     mode: enforce\r\n
 *     mx: mx1.example.org\r\n        one a line, in the order written
 *     max_age: 604800\r\n
 *
 * Every line ends in CRLF; no blank line, no byte order mark, no comment, no extension field, ASCII
 * only. This text is the HTTP body, the input of the digest, and what ETag names. */
#ifndef POLICIES_MODEL_POLICY_H
#define POLICIES_MODEL_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <urcu.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/memory.h"

/* What stands before a domain in the name of its policy host (RFC 8461 §3.3). */
#define POLICY_HOST_PREFIX "mta-sts."

enum policy_mode { POLICY_TESTING, POLICY_ENFORCE, POLICY_NONE };

enum {
    POLICY_MAX_AGE_MAX = 31557600, /* seconds; RFC 8461 §3.2 */
    POLICY_BODY_MAX = 64 * 1024,   /* octets; RFC 8461 §3.3 lets senders refuse more */
    POLICY_DIGEST_OCTETS = 32,     /* SHA-256 */
    POLICY_ETAG_SIZE = 2 + 20 + 1, /* quotes, 20 hex digits, NUL */
};

/* What a policy says, before it is rendered. */
struct policy_terms {
    enum policy_mode mode;
    uint32_t max_age_s;
    const struct dns_name *mx; /* normalised patterns */
    size_t mx_count;
};

struct policy {
    struct rcu_head head; /* for whoever publishes it to RCU readers */
    _Atomic uint32_t references;
    enum policy_mode mode;
    uint32_t max_age_s;
    unsigned char digest[POLICY_DIGEST_OCTETS];
    char etag[POLICY_ETAG_SIZE]; /* strong entity tag, quotes included: first 20 hex digits of the
                                    digest */
    uint32_t body_length;
    char body[];
};

/* Renders and digests. Fails with ERROR_LIMIT where the body would pass POLICY_BODY_MAX, and with
 * ERROR_SYNTAX for `enforce` or `testing` without an mx. The caller frees with policy_free. */
bool policy_new(const struct policy_terms *terms, struct policy **ret_policy, struct error *e)
    MUST_USE;
/* The same terms in MODE, which is not one that needs an mx where POLICY has none. An object of its
 * own, as each place that publishes to RCU readers needs. */
struct policy *policy_copy(const struct policy *policy, enum policy_mode mode);
/* One that policy_new has made before: BODY as it was rendered of MODE and MAX_AGE_S, and DIGEST of
 * POLICY_DIGEST_OCTETS. NULL: BODY is not what would be rendered. The digest is believed. */
struct policy *policy_restore(enum policy_mode mode, uint32_t max_age_s, struct bytes body,
                              const unsigned char *digest);
/* One holder more. Any thread that holds it already. */
struct policy *policy_ref(const struct policy *policy);
/* One holder less: the last one frees it. Any thread. */
void policy_free(struct policy *policy);

static inline struct bytes policy_body(const struct policy *policy)
{
    return (struct bytes){policy->body, policy->body_length};
}

/* Same text. */
bool policy_equal(const struct policy *a, const struct policy *b);

/* Walks the mx patterns: start with *cursor = 0; false at the end. RET_MX points into POLICY. */
bool policy_next_mx(const struct policy *policy, size_t *cursor, struct bytes *ret_mx);

/* "testing", "enforce", "none". */
const char *policy_mode_name(enum policy_mode mode);
/* Exactly those words, case counts (RFC 8461 §3.2). */
bool policy_mode_parse(struct bytes text, enum policy_mode *ret_mode) MUST_USE;

#endif
