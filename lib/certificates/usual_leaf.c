#include "usual_leaf.h"

#include <time.h>

#include <openssl/objects.h>

#include "lib/certificates/der.h"

/* --- Pieces: each is to be a subset of what OpenSSL takes --- */

/* X.690 §8.19: subidentifiers in base 128, the last octet of each below 128, none with a zero
 * before it. */
static bool take_object(struct bytes *der, struct bytes *ret_object)
{
    struct bytes object;
    if (!der_take(der, DER_OBJECT, &object) || object.n == 0 || (object.p[object.n - 1] & 0x80)) {
        return false;
    }
    bool first = true; /* octet of a subidentifier */
    for (size_t i = 0; i < object.n; i++) {
        unsigned char octet = (unsigned char)object.p[i];
        if (first && octet == 0x80) {
            return false;
        }
        first = octet < 0x80;
    }
    *ret_object = object;
    return true;
}

static bool is_printable_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return text.n != 0;
}

/* SEQUENCE { type, value } of a name */
static bool take_attribute(struct bytes *set)
{
    static const uint8_t STRINGS[] = {DER_UTF8_STRING, DER_PRINTABLE_STRING, DER_IA5_STRING};
    struct bytes attribute;
    struct bytes object;
    struct bytes text;
    if (!der_take(set, DER_SEQUENCE, &attribute) || !take_object(&attribute, &object)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(STRINGS); i++) {
        if (der_take(&attribute, STRINGS[i], &text)) {
            return attribute.n == 0 && is_printable_ascii(text);
        }
    }
    return false;
}

static bool take_attributes(struct bytes *name)
{
    struct bytes set;
    if (!der_take(name, DER_SET, &set) || set.n == 0) {
        return false;
    }
    while (set.n != 0) {
        if (!take_attribute(&set)) {
            return false;
        }
    }
    return true;
}

/* SEQUENCE OF SET OF attribute (RFC 5280 §4.1.2.4); may be empty */
static bool take_name(struct bytes *der)
{
    struct bytes name;
    if (!der_take(der, DER_SEQUENCE, &name)) {
        return false;
    }
    while (name.n != 0) {
        if (!take_attributes(&name)) {
            return false;
        }
    }
    return true;
}

static bool two_digits(const char *p, int *ret_number)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
        return false;
    }
    *ret_number = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* "MMDDHHMMSSZ" after YEAR */
static bool time_in(int year, const char *p, int64_t *ret_seconds)
{
    struct tm tm = {.tm_year = year - 1900};
    if (!two_digits(p, &tm.tm_mon) || !two_digits(p + 2, &tm.tm_mday) ||
        !two_digits(p + 4, &tm.tm_hour) || !two_digits(p + 6, &tm.tm_min) ||
        !two_digits(p + 8, &tm.tm_sec) || p[10] != 'Z') {
        return false;
    }
    tm.tm_mon--;
    struct tm kept = tm;
    *ret_seconds = (int64_t)timegm(&tm);
    /* timegm(3) makes the 1st of March of the 30th of February. */
    return tm.tm_mon == kept.tm_mon && tm.tm_mday == kept.tm_mday && tm.tm_hour == kept.tm_hour &&
           tm.tm_min == kept.tm_min && tm.tm_sec == kept.tm_sec;
}

/* RFC 5280 §4.1.2.5: UTCTime until 2049, then GeneralizedTime; both in seconds, and Z. */
static bool take_time(struct bytes *der, int64_t *ret_seconds)
{
    enum { UTC_LENGTH = 13, GENERALIZED_LENGTH = 15 };
    struct bytes text;
    int year = 0;
    int century = 0;
    if (der_take(der, DER_UTC_TIME, &text)) {
        return text.n == UTC_LENGTH && two_digits(text.p, &year) &&
               time_in(year + (year < 50 ? 2000 : 1900), text.p + 2, ret_seconds);
    }
    return der_take(der, DER_GENERALIZED_TIME, &text) && text.n == GENERALIZED_LENGTH &&
           two_digits(text.p, &century) && two_digits(text.p + 2, &year) &&
           time_in(century * 100 + year, text.p + 4, ret_seconds);
}

static bool take_validity(struct bytes *der, struct usual_leaf *leaf)
{
    struct bytes validity;
    return der_take(der, DER_SEQUENCE, &validity) && take_time(&validity, &leaf->not_before) &&
           take_time(&validity, &leaf->not_after) && validity.n == 0;
}

/* An algorithm with its parameters, as RFC 5758 §3.2 and RFC 4055 §5 want them. */
static bool take_signature_algorithm(struct bytes *der)
{
    static const struct bytes KNOWN[] = {
        {"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 10},             /* ECDSA, SHA-256 */
        {"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", 10},             /* SHA-384 */
        {"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04", 10},             /* SHA-512 */
        {"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 13}, /* RSA, SHA-256 */
        {"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00", 13}, /* SHA-384 */
        {"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00", 13}, /* SHA-512 */
    };
    struct bytes algorithm;
    if (!der_take(der, DER_SEQUENCE, &algorithm)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(KNOWN); i++) {
        if (bytes_equal(algorithm, KNOWN[i])) {
            return true;
        }
    }
    return false;
}

/* Whole octets. */
static bool take_bits(struct bytes *der, struct bytes *ret_octets)
{
    struct bytes bits;
    if (!der_take(der, DER_BIT_STRING, &bits) || bits.n < 2 || bits.p[0] != 0) {
        return false;
    }
    *ret_octets = bytes_skip(bits, 1);
    return true;
}

/* RFC 5480 §2.1.1 and §2.2 */
static bool take_key(struct bytes *der, struct usual_leaf *leaf)
{
    static const struct curve {
        struct bytes algorithm;
        int nid;
        size_t field_octets;
    } CURVES[] = {
        {{"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 19},
         NID_X9_62_prime256v1,
         32},
        {{"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22", 16},
         NID_secp384r1,
         48},
        {{"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23", 16},
         NID_secp521r1,
         66},
    };
    struct bytes key;
    struct bytes algorithm;
    if (!der_take(der, DER_SEQUENCE, &key) || !der_take(&key, DER_SEQUENCE, &algorithm) ||
        !take_bits(&key, &leaf->point) || key.n != 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(CURVES); i++) {
        if (bytes_equal(algorithm, CURVES[i].algorithm)) {
            leaf->curve = CURVES[i].nid;
            return leaf->point.n == 1 + 2 * CURVES[i].field_octets && leaf->point.p[0] == 0x04;
        }
    }
    return false;
}

/* --- Extensions --- */

#define OID_SUBJECT_ALT_NAME BYTES("\x55\x1d\x11")

/* GeneralNames that are all dNSName (RFC 5280 §4.2.1.6) */
static bool open_alt_names(struct bytes value, struct bytes *ret_names)
{
    struct bytes names;
    struct bytes ignored;
    if (!der_take(&value, DER_SEQUENCE, &names) || value.n != 0) {
        return false;
    }
    struct bytes rest = names;
    while (usual_leaf_next_name(&rest, &ignored)) {
    }
    *ret_names = names;
    return rest.n == 0 && names.n != 0;
}

static bool take_extension(struct bytes *extensions, struct usual_leaf *leaf)
{
    struct bytes extension;
    struct bytes object;
    struct bytes critical;
    struct bytes value;
    if (!der_take(extensions, DER_SEQUENCE, &extension) || !take_object(&extension, &object) ||
        (der_take(&extension, DER_BOOLEAN, &critical) && critical.n != 1) ||
        !der_take(&extension, DER_OCTET_STRING, &value) || extension.n != 0) {
        return false;
    }
    return !bytes_equal(object, OID_SUBJECT_ALT_NAME) ||
           (leaf->alt_names.n == 0 && open_alt_names(value, &leaf->alt_names));
}

static bool take_extensions(struct bytes *der, struct usual_leaf *leaf)
{
    struct bytes outer;
    struct bytes extensions;
    if (!der_take(der, DER_CONTEXT_WHOLE + 3, &outer) ||
        !der_take(&outer, DER_SEQUENCE, &extensions) || outer.n != 0) {
        return false;
    }
    while (extensions.n != 0) {
        if (!take_extension(&extensions, leaf)) {
            return false;
        }
    }
    return leaf->alt_names.n != 0;
}

/* --- All of it --- */

/* A positive number, without a zero too many before it. */
static bool take_serial(struct bytes *der)
{
    struct bytes serial;
    return der_take(der, DER_INTEGER, &serial) && serial.n != 0 && (serial.p[0] & 0x80) == 0 &&
           (serial.p[0] != 0 || serial.n == 1 || (serial.p[1] & 0x80) != 0);
}

/* RFC 5280 §4.1 */
static bool read_fields(struct bytes fields, struct usual_leaf *leaf)
{
    return der_take_this(&fields, DER_CONTEXT_WHOLE, BYTES("\x02\x01\x02")) && /* version 3 */
           take_serial(&fields) && take_signature_algorithm(&fields) && take_name(&fields) &&
           take_validity(&fields, leaf) && take_name(&fields) && take_key(&fields, leaf) &&
           take_extensions(&fields, leaf) && fields.n == 0;
}

bool usual_leaf_read(struct bytes der, struct usual_leaf *ret_leaf)
{
    struct usual_leaf leaf = {0};
    struct bytes certificate;
    struct bytes fields;
    struct bytes signature;
    if (!der_take(&der, DER_SEQUENCE, &certificate) || der.n != 0 ||
        !der_take(&certificate, DER_SEQUENCE, &fields) || !read_fields(fields, &leaf) ||
        !take_signature_algorithm(&certificate) || !take_bits(&certificate, &signature) ||
        certificate.n != 0) {
        return false;
    }
    *ret_leaf = leaf;
    return true;
}

bool usual_leaf_next_name(struct bytes *alt_names, struct bytes *ret_name)
{
    enum { DNS_NAME = 2 };
    return der_take(alt_names, DER_CONTEXT + DNS_NAME, ret_name);
}
