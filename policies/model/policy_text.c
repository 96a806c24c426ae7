#include "policy_text.h"

#include <stdint.h>
#include <string.h>

#include "policies/model/mx_pattern.h"

enum {
    FIELD_NAME_MAX = 32,      /* RFC 8461 §3.2, sts-policy-ext-name */
    MAX_AGE_DIGITS = 10,      /* sts-policy-max-age-value */
    MAX_AGE_SHORT_S = 60 * 60 /* less than this some reader replaces */
};

enum field_kind { FIELD_VERSION, FIELD_MODE, FIELD_MAX_AGE, FIELD_MX, FIELD_EXTENSION };

struct reader {
    const char *file;
    struct diagnostics *diagnostics;
    unsigned line;
    unsigned seen_at[FIELD_EXTENSION]; /* line of the first; 0: none yet */
    struct policy_terms terms;
    struct dns_name *mx;
    size_t mx_count;
    size_t mx_capacity;
};

/* One line taken apart; NAME and VALUE point into it. */
struct field {
    struct bytes name;
    struct bytes value;
    unsigned value_column;
};

#define REPORT(reader, severity, column, ...)                                                      \
    diagnostics_add((reader)->diagnostics, (severity), (reader)->file, (reader)->line, (column),   \
                    __VA_ARGS__)
#define SHOW(shown) dns_name_show(shown).text

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_white_space(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 3629's table: no overlong form, no surrogate, nothing past U+10FFFF. Returns the octets of
 * the character at P, 0 where there is none. */
static size_t utf8_length(struct bytes text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    if (p[0] < 0x80) {
        return 1;
    }
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > text.n) {
        return 0;
    }
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* sts-policy-ext-name, which the names of all fields follow. */
static bool field_name_is_valid(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        bool inner = i > 0 && (name.p[i] == '_' || name.p[i] == '-' || name.p[i] == '.');
        if (!inner && !is_alphanumeric(name.p[i])) {
            return false;
        }
    }
    return name.n >= 1 && name.n <= FIELD_NAME_MAX;
}

/* sts-policy-ext-value, which the values of all fields follow. */
static bool check_value(struct reader *reader, const struct field *field)
{
    unsigned column = field->value_column;
    if (field->value.n == 0) {
        REPORT(reader, SEVERITY_ERROR, column, "%.*s has no value; write one, or remove the line",
               BYTES_ARG(field->name));
        return false;
    }
    for (struct bytes rest = field->value; rest.n != 0; column++) {
        size_t n = utf8_length(rest);
        if (n == 0) {
            REPORT(reader, SEVERITY_ERROR, column, "octet 0x%02x is not UTF-8; write ASCII alone",
                   (unsigned char)rest.p[0]);
            return false;
        }
        if ((unsigned char)rest.p[0] < ' ' || rest.p[0] == 0x7f) {
            REPORT(reader, SEVERITY_ERROR, column,
                   "control character 0x%02x in a value; remove it (a line ends in LF or CRLF)",
                   (unsigned char)rest.p[0]);
            return false;
        }
        rest = bytes_skip(rest, n);
    }
    return true;
}

/* LINE without its line end. */
static bool split_field(struct reader *reader, struct bytes line, struct field *ret_field)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct bytes name = {line.p, colon != NULL ? (size_t)(colon - line.p) : line.n};
    if (colon == NULL) {
        REPORT(reader, SEVERITY_ERROR, 1,
               "\"%s\" is not a field; write one as in \"mode: testing\" on each line, and no "
               "comments",
               SHOW(line));
        return false;
    }
    if (!field_name_is_valid(name)) {
        REPORT(reader, SEVERITY_ERROR, 1,
               "\"%s\" is not the name of a field (up to %d letters, digits, \"_\", \"-\" and "
               "\".\", right before the colon); correct it",
               SHOW(name), FIELD_NAME_MAX);
        return false;
    }
    struct field field = {.name = name, .value = bytes_skip(line, name.n + 1)};
    while (field.value.n != 0 && is_white_space(field.value.p[0])) {
        field.value = bytes_skip(field.value, 1);
    }
    while (field.value.n != 0 && is_white_space(field.value.p[field.value.n - 1])) {
        field.value.n--;
    }
    field.value_column = (unsigned)(field.value.p - line.p) + 1;
    *ret_field = field;
    return true;
}

static void read_version(struct reader *reader, const struct field *field)
{
    if (!bytes_equal(field->value, BYTES("STSv1"))) {
        REPORT(reader, SEVERITY_ERROR, field->value_column,
               "version \"%s\" is not known; write STSv1", SHOW(field->value));
    }
}

static void read_mode(struct reader *reader, const struct field *field)
{
    if (!policy_mode_parse(field->value, &reader->terms.mode)) {
        REPORT(reader, SEVERITY_ERROR, field->value_column,
               "mode \"%s\" is not known; write testing, enforce or none, in lower case",
               SHOW(field->value));
    }
}

static void read_max_age(struct reader *reader, const struct field *field)
{
    uint64_t seconds = 0;
    bool valid = field->value.n <= MAX_AGE_DIGITS;
    for (size_t i = 0; valid && i < field->value.n; i++) {
        char c = field->value.p[i];
        valid = c >= '0' && c <= '9';
        seconds = seconds * 10 + (uint64_t)(c - '0');
    }
    if (!valid) {
        REPORT(reader, SEVERITY_ERROR, field->value_column,
               "max_age \"%s\" is not a number of seconds; write 1 to %d digits alone",
               SHOW(field->value), MAX_AGE_DIGITS);
        return;
    }
    if (seconds > POLICY_MAX_AGE_MAX) {
        REPORT(reader, SEVERITY_ERROR, field->value_column,
               "max_age of %llu s is more than the %d s of RFC 8461, section 3.2 "
               "(postfix-mta-sts-resolver refuses the policy, Stalwart takes 1 day); lower it",
               (unsigned long long)seconds, POLICY_MAX_AGE_MAX);
        return;
    }
    if (seconds < MAX_AGE_SHORT_S) {
        REPORT(reader, SEVERITY_WARNING, field->value_column,
               "max_age of under an hour is taken for 1 day by Stalwart; raise it to %d or more",
               MAX_AGE_SHORT_S);
    }
    reader->terms.max_age_s = (uint32_t)seconds;
}

static bool is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The grammar's Domain (RFC 5321 §4.1.2) has neither trailing dots nor U-labels, which our own
 * files may have. */
static void read_mx(struct reader *reader, const struct field *field)
{
    struct dns_name pattern;
    struct error e = {0};
    if (!mx_pattern_normalise(field->value, &pattern, &e)) {
        REPORT(reader, SEVERITY_ERROR, field->value_column, "%s", e.text);
        return;
    }
    if (!is_ascii(field->value)) {
        REPORT(
            reader, SEVERITY_ERROR, field->value_column,
            "mx \"%s\" is not ASCII (mox, postfix-mta-sts-resolver and postfix-tlspol refuse the "
            "policy); write %s",
            SHOW(field->value), pattern.text);
    } else if (field->value.p[field->value.n - 1] == '.') {
        REPORT(
            reader, SEVERITY_ERROR, field->value_column,
            "mx \"%s\" ends in a dot (mox refuses the policy; postfix-mta-sts-resolver, Stalwart "
            "and KumoMTA never match it); write %s",
            SHOW(field->value), pattern.text);
    }
    ARRAY_GROW(reader->mx, reader->mx_count, reader->mx_capacity);
    reader->mx[reader->mx_count++] = pattern;
}

static const struct {
    struct bytes name;
    void (*read)(struct reader *reader, const struct field *field);
    const char *advice; /* where it is missing */
} fields[] = {
    [FIELD_VERSION] = {{"version", 7}, read_version, "version: STSv1"},
    [FIELD_MODE] = {{"mode", 4}, read_mode, "mode: testing"},
    [FIELD_MAX_AGE] = {{"max_age", 7}, read_max_age, "max_age: 604800"},
    [FIELD_MX] = {{"mx", 2}, read_mx, NULL},
};

/* Fields that we do not know are ignored (RFC 8461 §3.2), but not by every sender. */
static void read_extension(struct reader *reader, const struct field *field)
{
    for (size_t kind = 0; kind < ARRAY_LENGTH(fields); kind++) {
        if (bytes_equal_nocase(field->name, fields[kind].name)) {
            REPORT(reader, SEVERITY_WARNING, 1,
                   "\"%.*s\" is a field that every sender ignores, as case counts; write %s",
                   BYTES_ARG(field->name), fields[kind].name.p);
        }
    }
    if (memchr(field->value.p, ':', field->value.n) != NULL) {
        REPORT(reader, SEVERITY_WARNING, field->value_column,
               "Maddy refuses a policy with a colon in the value of a field it does not know; "
               "remove the field \"%.*s\"",
               BYTES_ARG(field->name));
    }
    if (!is_ascii(field->value)) {
        REPORT(reader, SEVERITY_WARNING, field->value_column,
               "postfix-mta-sts-resolver refuses a policy with characters other than ASCII; remove "
               "the field \"%.*s\"",
               BYTES_ARG(field->name));
    }
}

static void read_field(struct reader *reader, const struct field *field)
{
    size_t kind = 0;
    while (kind < FIELD_EXTENSION && !bytes_equal(field->name, fields[kind].name)) {
        kind++;
    }
    if (kind == FIELD_EXTENSION) {
        read_extension(reader, field);
        return;
    }
    if (kind != FIELD_MX && reader->seen_at[kind] != 0) {
        REPORT(reader, SEVERITY_WARNING, 1,
               "%s stands already in line %u, and the first counts; KumoMTA refuses the policy, "
               "and postfix-mta-sts-resolver, Stalwart, Maddy and mailauth take the last: remove "
               "one",
               fields[kind].name.p, reader->seen_at[kind]);
        return;
    }
    reader->seen_at[kind] = reader->line;
    fields[kind].read(reader, field);
}

static void read_line(struct reader *reader, struct bytes line)
{
    size_t leading = 0;
    while (leading < line.n && is_white_space(line.p[leading])) {
        leading++;
    }
    if (leading == line.n) {
        REPORT(reader, SEVERITY_ERROR, 1,
               "blank line, which RFC 8461, section 3.2, does not have (mox, postfix-tlspol and "
               "Maddy refuse the policy); remove it");
        return;
    }
    struct field field;
    if (split_field(reader, line, &field) && check_value(reader, &field)) {
        read_field(reader, &field);
    }
}

static void read_lines(struct reader *reader, struct bytes text)
{
    while (text.n != 0) {
        const char *end = memchr(text.p, '\n', text.n);
        struct bytes line = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};
        text = bytes_skip(text, line.n + 1);
        if (end != NULL && line.n != 0 && line.p[line.n - 1] == '\r') {
            line.n--;
        }
        reader->line++;
        read_line(reader, line);
    }
    reader->line = 0; /* from here on it is about the text as a whole */
}

static void check_whole(struct reader *reader, size_t errors_before)
{
    for (size_t kind = 0; kind < ARRAY_LENGTH(fields); kind++) {
        if (reader->seen_at[kind] == 0 && fields[kind].advice != NULL) {
            REPORT(reader, SEVERITY_ERROR, 0, "no %s field; add a line \"%s\"", fields[kind].name.p,
                   fields[kind].advice);
        }
    }
    if (reader->diagnostics->errors == errors_before && reader->terms.mode == POLICY_NONE &&
        reader->mx_count == 0) {
        REPORT(reader, SEVERITY_WARNING, 0,
               "Stalwart refuses a policy without mx in mode none; keep the mx lines");
    }
}

static struct bytes skip_byte_order_mark(struct reader *reader, struct bytes text)
{
    struct bytes mark = BYTES("\xef\xbb\xbf");
    if (!bytes_starts_with(text, mark)) {
        return text;
    }
    reader->line = 1;
    REPORT(reader, SEVERITY_ERROR, 1,
           "byte order mark, which is no part of a policy (mox, postfix-mta-sts-resolver, "
           "postfix-tlspol and Maddy refuse it); save the file without one");
    reader->line = 0;
    return bytes_skip(text, mark.n);
}

bool policy_text_parse(struct bytes text, const char *file, struct policy **ret_policy,
                       struct diagnostics *d)
{
    size_t errors_before = d->errors;
    struct reader reader = {.file = file, .diagnostics = d};
    if (text.n > POLICY_BODY_MAX) {
        REPORT(&reader, SEVERITY_ERROR, 0,
               "%zu octets; senders refuse more than %d (RFC 8461, section 3.3): name fewer mx, or "
               "patterns with a star",
               text.n, POLICY_BODY_MAX);
        return false;
    }
    if (bytes_starts_with(text, BYTES("\xff\xfe")) || bytes_starts_with(text, BYTES("\xfe\xff"))) {
        REPORT(&reader, SEVERITY_ERROR, 0, "the text is UTF-16; save it as ASCII");
        return false;
    }
    read_lines(&reader, skip_byte_order_mark(&reader, text));
    check_whole(&reader, errors_before);

    bool valid = d->errors == errors_before;
    if (valid) {
        struct error e = {0};
        reader.terms.mx = reader.mx;
        reader.terms.mx_count = reader.mx_count;
        valid = policy_new(&reader.terms, ret_policy, &e);
        if (!valid) {
            diagnostics_add_error(d, file, &e);
        }
    }
    free(reader.mx);
    return valid;
}

bool policy_text_is_plain(const char *type)
{
    static const char want[] = "text/plain";
    if (type == NULL || strncasecmp(type, want, strlen(want)) != 0) {
        return false;
    }
    const char *rest = type + strlen(want);
    return strchr("; \t", *rest) != NULL; /* its end counts: strchr finds the NUL */
}
