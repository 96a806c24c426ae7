#include "sender_traits.h"

#include <string.h>

#include <openssl/x509_vfy.h>

#include "policies/model/mx_pattern.h"
#include "policies/model/policy_id.h"
#include "policies/model/policy_text.h"
#include "policies/model/sts_record.h"

enum { MAX_AGE_SHORT_BOUND_S = 60 * 60, MAX_AGE_DIGITS = 15 };

#define BIT(trait) ((sender_trait_set)1 << (trait))

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
    while (text.n != 0 && is_space(text.p[0])) {
        text = bytes_skip(text, 1);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): N octets are there */
    while (text.n != 0 && is_space(text.p[text.n - 1])) {
        text.n--;
    }
    return text;
}

/* Cuts TEXT at the first SEPARATOR: what stands before it; *TEXT is moved past it. */
static struct bytes take_until(struct bytes *text, char separator)
{
    const char *end = text->n != 0 ? memchr(text->p, separator, text->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    struct bytes front = {text->p, n};
    *text = bytes_skip(*text, n + 1);
    return front;
}

/* --- the record --- */

static bool is_nearly_one(struct bytes text)
{
    struct bytes front = BYTES("v=STSv1");
    return text.n >= front.n && bytes_equal_nocase((struct bytes){text.p, front.n}, front) &&
           (text.n == front.n || is_space(text.p[front.n]) || text.p[front.n] == ';');
}

/* Why the one record is not valid, as a lenient reader sees it. */
static enum sender_trait fault_of(struct bytes text)
{
    while (text.n != 0) {
        struct bytes field = trim(take_until(&text, ';'));
        if (!bytes_starts_with(field, BYTES("id="))) {
            continue;
        }
        struct bytes id = bytes_skip(field, 3);
        if (id.n == 0) {
            return TRAIT_RECORD_NO_ID;
        }
        return policy_id_is_valid(id) ? TRAIT_RECORD_MALFORMED : TRAIT_RECORD_ID;
    }
    return TRAIT_RECORD_NO_ID;
}

static sender_trait_set traits_of_one(struct bytes text)
{
    struct error ignored;
    struct sts_record record;
    if (!sts_record_parse(text, &record, &ignored)) {
        return BIT(fault_of(text));
    }
    return record.usual ? 0 : BIT(TRAIT_RECORD_LOOSE);
}

sender_trait_set sender_traits_of_record(const struct observed_txt *txt, bool *ret_found)
{
    const struct bytes *one = NULL;
    size_t ones = 0;
    size_t near_ones = 0;
    for (size_t i = 0; i < txt->texts.count; i++) {
        struct bytes text = txt->texts.items[i];
        if (sts_record_is_one(text)) {
            one = &txt->texts.items[i];
            ones++;
        } else if (is_nearly_one(text)) {
            near_ones++;
        }
    }
    *ret_found = ones + near_ones != 0;
    sender_trait_set set = 0;
    if (ones > 1) {
        set |= BIT(TRAIT_RECORD_TWICE);
    } else if (ones == 1) {
        set |= traits_of_one(*one);
    }
    if (near_ones != 0) {
        set |= BIT(TRAIT_RECORD_VERSION);
    }
    if (*ret_found && ones + near_ones < txt->texts.count) {
        set |= BIT(TRAIT_RECORD_OTHER_TEXT);
    }
    return set;
}

/* --- the certificate --- */

sender_trait_set sender_traits_of_certificate(const struct observed_certificate *certificate)
{
    switch (certificate->verify_error) {
    case X509_V_OK:
        break;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return BIT(TRAIT_CERTIFICATE_WEAK);
    default:
        return 0;
    }
    bool nameless =
        certificate->chain_verified && !certificate->name_matched && certificate->names[0] == '\0';
    return nameless ? BIT(TRAIT_CERTIFICATE_NAMELESS) : 0;
}

/* --- the answer --- */

struct body {
    size_t versions;
    size_t modes;
    size_t max_ages;
    size_t mx;
    struct bytes mode; /* the last */
    sender_trait_set set;
};

static bool is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static sender_trait_set traits_of_max_age(struct bytes text)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i == MAX_AGE_DIGITS) {
            return BIT(TRAIT_NO_MAX_AGE);
        }
        seconds = seconds * 10 + (text.p[i] - '0');
    }
    if (text.n == 0) {
        return BIT(TRAIT_NO_MAX_AGE);
    }
    return (seconds > POLICY_MAX_AGE_MAX ? BIT(TRAIT_MAX_AGE_LONG) : 0) |
           (seconds < MAX_AGE_SHORT_BOUND_S ? BIT(TRAIT_MAX_AGE_SHORT) : 0);
}

static void take_line(struct body *body, struct bytes line)
{
    struct bytes rest = line;
    struct bytes name = trim(take_until(&rest, ':'));
    struct bytes value = trim(rest);
    if (bytes_equal(name, BYTES("version"))) {
        body->versions++;
    } else if (bytes_equal(name, BYTES("mode"))) {
        body->modes++;
        body->mode = value;
    } else if (bytes_equal(name, BYTES("max_age"))) {
        body->max_ages++;
        body->set |= traits_of_max_age(value);
    } else if (bytes_equal(name, BYTES("mx"))) {
        body->mx++;
        body->set |= bytes_ends_with(value, BYTES(".")) ? BIT(TRAIT_MX_DOT) : 0;
        body->set |= is_ascii(value) ? 0 : BIT(TRAIT_MX_UNICODE);
    } else if (value.n != 0 && memchr(value.p, ':', value.n) != NULL) {
        body->set |= BIT(TRAIT_EXTENSION_COLON);
    }
}

static sender_trait_set traits_of_fields(const struct body *body)
{
    enum policy_mode mode = POLICY_NONE;
    bool known = policy_mode_parse(body->mode, &mode);
    const struct {
        bool has;
        enum sender_trait trait;
    } rows[] = {
        {body->versions > 1 || body->modes > 1 || body->max_ages > 1, TRAIT_REPEATED},
        {body->versions == 0, TRAIT_NO_VERSION},
        {body->modes == 0, TRAIT_NO_MODE},
        {body->modes != 0 && !known, TRAIT_MODE_UNKNOWN},
        {known && mode == POLICY_TESTING, TRAIT_MODE_TESTING},
        {body->max_ages == 0, TRAIT_NO_MAX_AGE},
        {body->mx == 0 && known && mode == POLICY_NONE, TRAIT_NONE_WITHOUT_MX},
        {body->mx == 0 && known && mode != POLICY_NONE, TRAIT_NO_MX},
    };
    sender_trait_set set = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        set |= rows[i].has ? BIT(rows[i].trait) : 0;
    }
    return set;
}

static sender_trait_set traits_of_body(struct bytes text, bool has_charset)
{
    struct body body = {.set = 0, .mode = BYTES("")};
    if (!is_ascii(text) && !has_charset) {
        body.set |= BIT(TRAIT_NOT_ASCII);
    }
    if (bytes_starts_with(text, BYTES("\xef\xbb\xbf"))) {
        body.set |= BIT(TRAIT_BOM);
        text = bytes_skip(text, 3);
    }
    while (text.n != 0) {
        struct bytes line = trim(take_until(&text, '\n'));
        if (line.n == 0) {
            body.set |= BIT(TRAIT_BLANK_LINE);
        } else {
            take_line(&body, line);
        }
    }
    return body.set | traits_of_fields(&body);
}

static sender_trait_set traits_of_type(const char *type)
{
    static const char want[] = "text/plain";
    size_t n = strlen(want);
    if (type == NULL || !policy_text_is_plain(type)) {
        return BIT(TRAIT_CONTENT_TYPE);
    }
    return (strncmp(type, want, n) != 0 ? BIT(TRAIT_CONTENT_TYPE_CASE) : 0) |
           (type[n] != '\0' ? BIT(TRAIT_CONTENT_TYPE_PARAMETER) : 0);
}

static sender_trait_set traits_of_coding(const struct observed_https *https)
{
    if (!observed_https_is_coded(https)) {
        return 0;
    }
    bool gzip = bytes_equal_nocase(bytes_of(https->content_coding), BYTES("gzip"));
    return BIT(gzip ? TRAIT_CONTENT_GZIP : TRAIT_CONTENT_CODED);
}

static sender_trait_set traits_of_status(long status)
{
    if (status == 200) {
        return 0;
    }
    return status >= 200 && status < 300 ? BIT(TRAIT_STATUS_2XX) : BIT(TRAIT_STATUS);
}

/* What the RFC's own grammar refuses. */
static const sender_trait_set refused_by_grammar =
    BIT(TRAIT_BOM) | BIT(TRAIT_BLANK_LINE) | BIT(TRAIT_NO_VERSION) | BIT(TRAIT_NO_MODE) |
    BIT(TRAIT_MODE_UNKNOWN) | BIT(TRAIT_NO_MAX_AGE) | BIT(TRAIT_MAX_AGE_LONG) | BIT(TRAIT_NO_MX) |
    BIT(TRAIT_MX_DOT) | BIT(TRAIT_MX_UNICODE);

sender_trait_set sender_traits_of_answer(const struct observed_https *https)
{
    if (https->status >= 300 && https->status < 400) {
        return BIT(TRAIT_REDIRECT); /* what stands beside it is not what anybody reads */
    }
    bool has_charset =
        https->content_type != NULL && strcasestr(https->content_type, "charset=utf-8") != NULL;
    sender_trait_set set = traits_of_status(https->status) | traits_of_type(https->content_type) |
                           traits_of_coding(https) |
                           traits_of_body(buffer_bytes(&https->body), has_charset);
    bool whole = https->body.n <= POLICY_BODY_MAX;
    if (https->status == 200 && https->policy == NULL && whole && (set & refused_by_grammar) == 0) {
        set |= BIT(TRAIT_INVALID);
    }
    return set;
}

/* --- the hosts --- */

/* A pattern of which HOST is more than one label below, and no pattern that matches it. */
static bool is_deep(const struct policy *policy, struct bytes host)
{
    size_t cursor = 0;
    struct bytes mx;
    bool deep = false;
    while (policy_next_mx(policy, &cursor, &mx)) {
        if (mx_pattern_matches(mx, host)) {
            return false;
        }
        deep = deep ||
               (bytes_starts_with(mx, BYTES("*.")) && bytes_ends_with(host, bytes_skip(mx, 1)));
    }
    return deep;
}

sender_trait_set sender_traits_of_mx(const struct observation *observation,
                                     const struct policy *policy)
{
    for (size_t i = 0; policy != NULL && i < observation->mx_count; i++) {
        if (policy->mode != POLICY_NONE &&
            is_deep(policy, dns_name_bytes(&observation->mx[i].host))) {
            return BIT(TRAIT_WILDCARD_DEPTH);
        }
    }
    return 0;
}
