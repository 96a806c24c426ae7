#include "name.h"

#include <idn2.h>
#include <stdint.h>

#include "lib/base/memory.h"

/* A U-label takes at most 63 octets as an A-label, whose 59 coded characters take up to 4 octets
 * each in UTF-8: no name that is longer than this can be one of 253 octets in the end. */
enum { RAW_NAME_MAX = 4 * DNS_NAME_MAX };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

/* tolower() would ask the locale. */
static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
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

static bool is_all_digits(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n != 0;
}

/* Splits the text before the first dot off *REST. */
static struct bytes next_label(struct bytes *rest)
{
    const char *dot = rest->n != 0 ? memchr(rest->p, '.', rest->n) : NULL;
    size_t n = dot != NULL ? (size_t)(dot - rest->p) : rest->n;
    struct bytes label = {rest->p, n};
    *rest = bytes_skip(*rest, dot != NULL ? n + 1 : n);
    return label;
}

struct dns_name_shown dns_name_show(struct bytes text)
{
    struct dns_name_shown shown;
    safe_text_cut(text, DNS_NAME_SHOWN_MAX, shown.text);
    return shown;
}

#define SHOW(name) dns_name_show(name).text

/* A character that no host name has, with the advice that fits it. */
static bool refuse_character(struct bytes name, char c, struct error *e)
{
    const char *what = NULL;
    switch (c) {
    case '_':
        what = "has an underscore, which no host name may have; write the name that the host has "
               "an address under";
        break;
    case '*':
        what = "has a star; only an mx pattern may have one, as its whole first label";
        break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        what = "has white space in it; remove it";
        break;
    case ':':
    case '[':
    case ']':
        what = "is an address or has a port; write the host's name alone";
        break;
    case ',':
    case ';':
        what = "has a separator in it, as lists have; write one name at a time";
        break;
    case '/':
        what = "has a slash, as URLs have; write the host's name alone";
        break;
    case '@':
        what = "has an @, as mail addresses have; write the part after it";
        break;
    default:
        what = "has a character that no host name may have; use letters, digits, hyphens and dots";
    }
    return error_set(e, ERROR_SYNTAX, "\"%s\" %s", SHOW(name), what);
}

static bool check_label(struct bytes name, struct bytes label, struct error *e)
{
    if (label.n == 0) {
        return error_set(e, ERROR_SYNTAX, "\"%s\" has an empty label; remove the dot too many",
                         SHOW(name));
    }
    for (size_t i = 0; i < label.n; i++) {
        if (!is_letter_or_digit(label.p[i]) && label.p[i] != '-') {
            return refuse_character(name, label.p[i], e);
        }
    }
    if (label.n > DNS_LABEL_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "\"%s\" has a label of %zu octets; DNS allows %d: shorten it", SHOW(name),
                         label.n, DNS_LABEL_MAX);
    }
    if (label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has a label that begins or ends with a hyphen; no host name has "
                         "one: correct it",
                         SHOW(name));
    }
    return true;
}

/* NAME: ASCII, already mapped. RAW is what the user wrote, for messages. */
static bool check_name(struct bytes name, struct bytes raw, struct error *e)
{
    struct bytes rest = name;
    struct bytes label = {0};
    bool all_digits = true;
    do {
        label = next_label(&rest);
        if (!check_label(raw, label, e)) {
            return false;
        }
        all_digits = all_digits && is_all_digits(label);
        /* A dot at the very end leaves nothing to look at, but one more (empty) label. */
    } while (rest.n != 0 || rest.p[-1] == '.');
    if (all_digits && name.n > label.n) {
        return error_set(e, ERROR_SYNTAX, "\"%s\" is an IP address; write the host's name",
                         SHOW(raw));
    }
    if (is_all_digits(label)) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" ends in a label of digits alone, as no host name does; write the "
                         "whole name",
                         SHOW(raw));
    }
    return true;
}

static bool has_a_label_prefix(struct bytes label)
{
    return label.n >= 4 && strncasecmp(label.p, "xn--", 4) == 0;
}

/* A name under construction; what RAW, the user's writing, becomes. */
struct conversion {
    struct bytes raw;
    size_t n;
    char text[RAW_NAME_MAX];
};

static bool append(struct conversion *to, struct bytes octets, struct error *e)
{
    if (octets.n > sizeof(to->text) - to->n) {
        return error_set(e, ERROR_LIMIT, "\"%s\" is too long; DNS allows %d octets", SHOW(to->raw),
                         DNS_NAME_MAX);
    }
    memcpy(to->text + to->n, octets.p, octets.n);
    to->n += octets.n;
    return true;
}

/* Appends LABEL as A-label; its mapping may hold dots (U+3002). */
static bool append_idn(struct conversion *to, struct bytes label, struct error *e)
{
    char source[RAW_NAME_MAX + 1];
    char *converted = NULL;
    memcpy(source, label.p, label.n);
    source[label.n] = '\0';
    int result = idn2_lookup_u8((const uint8_t *)source, (uint8_t **)&converted,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (result == IDN2_MALLOC) {
        abort();
    }
    if (result != IDN2_OK && has_a_label_prefix(label) && is_ascii(label)) {
        return append(to, label, e); /* the DNS has it, whatever IDNA says (dns_name_is_idna) */
    }
    if (result != IDN2_OK) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is not a valid internationalised name (%s: %s); %s", SHOW(to->raw),
                         SHOW(label), idn2_strerror(result), "correct it, or write its xn-- form");
    }
    bool fits = append(to, bytes_of(converted), e);
    idn2_free(converted);
    return fits;
}

bool dns_name_is_idna(struct bytes name)
{
    struct bytes rest = name;
    while (rest.n != 0) {
        char *converted = NULL;
        struct bytes label = next_label(&rest);
        CLEANUP_FREE char *text = memory_string_of(label);
        if (!has_a_label_prefix(label)) {
            continue;
        }
        int result = idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&converted,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        idn2_free(converted);
        if (result != IDN2_OK) {
            return false;
        }
    }
    return true;
}

static bool convert_labels(struct conversion *to, struct error *e)
{
    struct bytes rest = to->raw;
    while (rest.n != 0) {
        /* Labels one by one: an ASCII label such as `r3---sn` is fine where libidn2, given the
         * whole name, would hold it to IDNA's rules for hyphens. */
        struct bytes label = next_label(&rest);
        bool is_idn = has_a_label_prefix(label) || !is_ascii(label);
        if (!(is_idn ? append_idn(to, label, e) : append(to, label, e))) {
            return false;
        }
        if (rest.p[-1] == '.' && !append(to, BYTES("."), e)) {
            return false;
        }
    }
    return true;
}

static bool needs_conversion(struct bytes text)
{
    if (!is_ascii(text)) {
        return true;
    }
    for (struct bytes rest = text; rest.n != 0;) {
        if (has_a_label_prefix(next_label(&rest))) {
            return true;
        }
    }
    return false;
}

bool dns_name_normalise(struct bytes text, struct dns_name *ret_name, struct error *e)
{
    struct conversion converted;
    struct bytes name = text;
    if (text.n > RAW_NAME_MAX) {
        return error_set(e, ERROR_LIMIT, "\"%s\" has %zu octets; DNS allows %d: shorten it",
                         SHOW(text), text.n, DNS_NAME_MAX);
    }
    if (text.n != 0 && memchr(text.p, '\0', text.n) != NULL) {
        return refuse_character(text, '\0', e);
    }
    if (needs_conversion(text)) {
        converted.raw = text;
        converted.n = 0;
        if (!convert_labels(&converted, e)) {
            return false;
        }
        name = (struct bytes){converted.text, converted.n};
    }
    if (name.n > 1 && name.p[name.n - 1] == '.') {
        name.n--;
    }
    if (name.n == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "the name is empty; write a host name such as mx1.example.org");
    }
    if (!check_name(name, text, e)) {
        return false;
    }
    if (name.n > DNS_NAME_MAX) {
        return error_set(e, ERROR_LIMIT, "\"%s\" has %zu octets; DNS allows %d: shorten it",
                         SHOW(text), name.n, DNS_NAME_MAX);
    }
    return dns_name_fold(name, ret_name);
}

bool dns_name_fold(struct bytes text, struct dns_name *ret_name)
{
    text.n -= text.n != 0 && text.p[text.n - 1] == '.';
    if (text.n == 0 || text.n > DNS_NAME_MAX) {
        return false;
    }
    struct dns_name name = {.n = (unsigned char)text.n};
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!is_letter_or_digit(c) && c != '-' && c != '.' && c != '_') {
            return false;
        }
        name.text[i] = lower(c);
    }
    *ret_name = name;
    return true;
}

bool dns_name_is_under(struct bytes name, struct bytes apex)
{
    return bytes_ends_with(name, apex) &&
           (name.n == apex.n || (apex.n != 0 && name.p[name.n - apex.n - 1] == '.'));
}

const char *dns_name_library(void)
{
    return idn2_check_version(NULL);
}
