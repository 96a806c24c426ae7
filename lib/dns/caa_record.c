#include "lib/base/memory.h"
#include "lib/dns/caa.h"

enum {
    HEADER = 2, /* flags, length of the tag */
    FLAG_CRITICAL = 0x80,
};

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Splits what stands before SEPARATOR off *REST; false: it is not there, and *REST is all there is.
 */
static bool split(struct bytes *rest, char separator, struct bytes *ret_part)
{
    const char *end = rest->n != 0 ? memchr(rest->p, separator, rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    *ret_part = (struct bytes){rest->p, n};
    *rest = bytes_skip(*rest, end != NULL ? n + 1 : n);
    return end != NULL;
}

/* Letters, digits and hyphens, of which none is first or last: a label of an issuer's name and the
 * tag of a parameter (RFC 8659 §4.2). */
static bool is_label(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool inner = i != 0 && i + 1 != text.n;
        if (!is_letter_or_digit(text.p[i]) && !(inner && text.p[i] == '-')) {
            return false;
        }
    }
    return text.n != 0;
}

static bool is_issuer_name(struct bytes text)
{
    struct bytes label;
    bool more = true;
    while (more) {
        more = split(&text, '.', &label);
        if (!is_label(label)) {
            return false;
        }
    }
    return true;
}

static bool is_parameter_value(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x21 || text.p[i] > 0x7e) {
            return false; /* a semicolon cannot be in it: parameters are split there */
        }
    }
    return true;
}

static bool is_method(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_letter_or_digit(text.p[i]) && text.p[i] != '-') {
            return false;
        }
    }
    return text.n != 0;
}

/* RFC 8657 §4: [*(label ",") label]. */
static bool is_method_list(struct bytes text)
{
    struct bytes method;
    bool more = text.n != 0;
    while (more) {
        more = split(&text, ',', &method);
        if (!is_method(method)) {
            return false;
        }
    }
    return true;
}

static bool take_parameter(struct bytes text, struct dns_caa_record *record)
{
    struct bytes tag;
    if (!split(&text, '=', &tag)) {
        return false;
    }
    tag = bytes_trim(tag);
    struct bytes value = bytes_trim(text);
    if (!is_label(tag) || !is_parameter_value(value)) {
        return false;
    }
    /* RFC 8657 §3: given twice, no account fits. The same for methods: which would count? */
    if (bytes_equal_nocase(tag, BYTES("accounturi"))) {
        bool again = record->has_account_uri;
        record->has_account_uri = true;
        record->account_uri = value;
        return !again;
    }
    if (bytes_equal_nocase(tag, BYTES("validationmethods"))) {
        bool again = record->has_methods;
        record->has_methods = true;
        record->methods = value;
        return !again && is_method_list(value);
    }
    return true;
}

/* RFC 8659 §4.2, issue-value. */
static bool parse_issue_value(struct bytes value, struct dns_caa_record *record)
{
    bool more = split(&value, ';', &record->issuer);
    record->issuer = bytes_trim(record->issuer);
    if (record->issuer.n != 0 && !is_issuer_name(record->issuer)) {
        return false;
    }
    more = more && bytes_trim(value).n != 0;
    while (more) {
        struct bytes parameter;
        more = split(&value, ';', &parameter);
        if (!take_parameter(parameter, record)) {
            return false;
        }
    }
    return true;
}

bool dns_caa_parse(struct bytes rdata, struct dns_caa_record *ret_record)
{
    if (rdata.n < HEADER) {
        return false;
    }
    size_t tag_length = (unsigned char)rdata.p[1];
    if (tag_length == 0 || tag_length > rdata.n - HEADER) {
        return false;
    }
    const struct dns_caa_record plain = {
        .critical = ((unsigned char)rdata.p[0] & FLAG_CRITICAL) != 0,
        .tag = {rdata.p + HEADER, tag_length},
    };
    struct dns_caa_record record = plain;
    bool names_issuer = bytes_equal_nocase(plain.tag, BYTES("issue")) ||
                        bytes_equal_nocase(plain.tag, BYTES("issuewild"));
    if (names_issuer && !parse_issue_value(bytes_skip(rdata, HEADER + tag_length), &record)) {
        record = plain;
        record.malformed = true;
    }
    *ret_record = record;
    return true;
}
