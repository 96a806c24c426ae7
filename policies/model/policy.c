#include "policy.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "lib/dns/name.h"

static const char *const mode_names[] = {
    [POLICY_TESTING] = "testing",
    [POLICY_ENFORCE] = "enforce",
    [POLICY_NONE] = "none",
};

static const struct bytes mx_key = {"mx: ", 4};
static const struct bytes line_end = {"\r\n", 2};

const char *policy_mode_name(enum policy_mode mode)
{
    return mode_names[mode];
}

bool policy_mode_parse(struct bytes text, enum policy_mode *ret_mode)
{
    for (size_t i = 0; i < ARRAY_LENGTH(mode_names); i++) {
        if (bytes_equal(text, bytes_of(mode_names[i]))) {
            *ret_mode = (enum policy_mode)i;
            return true;
        }
    }
    return false;
}

static char *append(char *at, struct bytes text)
{
    memcpy(at, text.p, text.n);
    return at + text.n;
}

static void make_etag(struct policy *policy)
{
    static const char hex[] = "0123456789abcdef";
    char *at = policy->etag;
    *at++ = '"';
    for (size_t i = 0; i < (POLICY_ETAG_SIZE - 3) / 2; i++) {
        *at++ = hex[policy->digest[i] >> 4];
        *at++ = hex[policy->digest[i] & 15];
    }
    *at++ = '"';
    *at = '\0';
}

static void digest(struct policy *policy)
{
    if (SHA256((const unsigned char *)policy->body, policy->body_length, policy->digest) == NULL) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    make_etag(policy);
}
bool policy_new(const struct policy_terms *terms, struct policy **ret_policy, struct error *e)
{
    if (terms->mx_count == 0 && terms->mode != POLICY_NONE) {
        return error_set(e, ERROR_SYNTAX,
                         "mode %s without an mx; name the hosts that receive the domain's mail",
                         policy_mode_name(terms->mode));
    }
    char head[64];
    char tail[32];
    int head_length =
        snprintf(head, sizeof(head), "version: STSv1\r\nmode: %s\r\n", mode_names[terms->mode]);
    int tail_length = snprintf(tail, sizeof(tail), "max_age: %u\r\n", terms->max_age_s);
    size_t length = (size_t)head_length + (size_t)tail_length;
    for (size_t i = 0; i < terms->mx_count && length <= POLICY_BODY_MAX; i++) {
        length += mx_key.n + terms->mx[i].n + line_end.n;
    }
    if (length > POLICY_BODY_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "policy of more than %d octets, which senders refuse (RFC 8461, section "
                         "3.3); name fewer mx, or patterns with a star",
                         POLICY_BODY_MAX);
    }

    struct policy *policy = memory_alloc(sizeof(*policy) + length);
    *policy = (struct policy){
        .references = 1,
        .mode = terms->mode,
        .max_age_s = terms->max_age_s,
        .body_length = (uint32_t)length,
    };
    char *at = append(policy->body, (struct bytes){head, (size_t)head_length});
    for (size_t i = 0; i < terms->mx_count; i++) {
        at = append(at, mx_key);
        at = append(at, dns_name_bytes(&terms->mx[i]));
        at = append(at, line_end);
    }
    append(at, (struct bytes){tail, (size_t)tail_length});
    digest(policy);
    *ret_policy = policy;
    return true;
}

/* Whether TEXT is one or more characters of ASCII that are seen. */
static bool is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return text.n != 0;
}

/* Whether LINES are one or more `mx`, or none at all where WANTED is false. */
static bool are_mx_lines(struct bytes lines, bool wanted)
{
    bool any = false;
    while (lines.n != 0) {
        const char *end = memchr(lines.p, '\r', lines.n);
        size_t n = end != NULL ? (size_t)(end - lines.p) : 0;
        if (!bytes_starts_with(lines, mx_key) || n <= mx_key.n || n - mx_key.n > DNS_NAME_MAX ||
            !is_visible((struct bytes){lines.p + mx_key.n, n - mx_key.n}) ||
            !bytes_starts_with(bytes_skip(lines, n), line_end)) {
            return false;
        }
        lines = bytes_skip(lines, n + line_end.n);
        any = true;
    }
    return any || !wanted;
}

struct policy *policy_restore(enum policy_mode mode, uint32_t max_age_s, struct bytes body,
                              const unsigned char *known_digest)
{
    char head[64];
    char tail[32];
    size_t head_length =
        (size_t)snprintf(head, sizeof(head), "version: STSv1\r\nmode: %s\r\n", mode_names[mode]);
    size_t tail_length = (size_t)snprintf(tail, sizeof(tail), "max_age: %u\r\n", max_age_s);
    if (max_age_s > POLICY_MAX_AGE_MAX || body.n > POLICY_BODY_MAX ||
        body.n < head_length + tail_length ||
        !bytes_starts_with(body, (struct bytes){head, head_length}) ||
        !bytes_ends_with(body, (struct bytes){tail, tail_length}) ||
        !are_mx_lines((struct bytes){body.p + head_length, body.n - head_length - tail_length},
                      mode != POLICY_NONE)) {
        return NULL;
    }
    struct policy *policy = memory_alloc(sizeof(*policy) + body.n);
    *policy = (struct policy){
        .references = 1,
        .mode = mode,
        .max_age_s = max_age_s,
        .body_length = (uint32_t)body.n,
    };
    append(policy->body, body);
    memcpy(policy->digest, known_digest, POLICY_DIGEST_OCTETS);
    make_etag(policy);
    return policy;
}

struct policy *policy_copy(const struct policy *policy, enum policy_mode mode)
{
    struct error e;
    struct policy *copy = NULL;
    struct policy_terms terms = {.mode = mode, .max_age_s = policy->max_age_s};
    size_t cursor = 0;
    struct bytes name;
    while (policy_next_mx(policy, &cursor, &name)) {
        terms.mx_count++;
    }
    CLEANUP_FREE struct dns_name *mx = memory_zero(terms.mx_count, sizeof(*mx));
    cursor = 0;
    for (size_t i = 0; policy_next_mx(policy, &cursor, &name); i++) {
        mx[i].n = (unsigned char)name.n;
        memcpy(mx[i].text, name.p, name.n);
    }
    terms.mx = mx;
    if (!policy_new(&terms, &copy, &e)) {
        abort(); /* it has been rendered before */
    }
    return copy;
}

struct policy *policy_ref(const struct policy *policy)
{
    struct policy *held = (struct policy *)policy; /* the count is no part of what it says */
    atomic_fetch_add_explicit(&held->references, 1, memory_order_relaxed);
    return held;
}

void policy_free(struct policy *policy)
{
    if (policy != NULL &&
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) == 1) {
        free(policy);
    }
}

bool policy_equal(const struct policy *a, const struct policy *b)
{
    return bytes_equal(policy_body(a), policy_body(b));
}

bool policy_next_mx(const struct policy *policy, size_t *cursor, struct bytes *ret_mx)
{
    struct bytes rest = bytes_skip(policy_body(policy), *cursor);
    while (rest.n != 0) {
        /* Our own rendering: every line has its end. */
        const char *end = memchr(rest.p, '\r', rest.n);
        struct bytes line = {rest.p, (size_t)(end - rest.p)};
        rest = bytes_skip(rest, line.n + line_end.n);
        if (bytes_starts_with(line, mx_key)) {
            *cursor = policy->body_length - rest.n;
            *ret_mx = bytes_skip(line, mx_key.n);
            return true;
        }
    }
    *cursor = policy->body_length;
    return false;
}
