/* A view of text that somebody else owns, passed by value. Not NUL-terminated; may hold NULs. */
#ifndef LIB_BASE_BYTES_H
#define LIB_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct bytes {
    const char *p;
    size_t n;
};

/* A string literal as bytes. */
#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
/* Arguments for "%.*s". */
#define BYTES_ARG(b) (int)(b).n, (b).p

static inline struct bytes bytes_of(const char *s)
{
    return (struct bytes){s, strlen(s)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters compare without case. */
static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool bytes_starts_with(struct bytes b, struct bytes prefix)
{
    return b.n >= prefix.n && bytes_equal((struct bytes){b.p, prefix.n}, prefix);
}

static inline bool bytes_ends_with(struct bytes b, struct bytes suffix)
{
    return b.n >= suffix.n && bytes_equal((struct bytes){b.p + b.n - suffix.n, suffix.n}, suffix);
}

/* Without its first N octets (all of them when there are fewer). */
static inline struct bytes bytes_skip(struct bytes b, size_t n)
{
    n = n < b.n ? n : b.n;
    return (struct bytes){b.p + n, b.n - n};
}

/* Without spaces and tabs at both ends (OWS of RFC 9110 §5.6.3, WSP of RFC 5234). */
static inline struct bytes bytes_trim(struct bytes b)
{
    while (b.n != 0 && (b.p[0] == ' ' || b.p[0] == '\t')) {
        b = bytes_skip(b, 1);
    }
    while (b.n != 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t')) {
        b.n--;
    }
    return b;
}

/* N octets as 2 * N hex digits, lower case, and a NUL. */
static inline void bytes_to_hex(const unsigned char *octets, size_t n, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        ret_hex[2 * i] = digits[octets[i] >> 4];
        ret_hex[2 * i + 1] = digits[octets[i] & 15];
    }
    ret_hex[2 * n] = '\0';
}

/* Byte order; a prefix sorts before what it begins. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n != 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

#endif
