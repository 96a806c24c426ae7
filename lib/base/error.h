/* The one error idiom: a function that can fail returns bool, is MUST_USE, and takes a
 * `struct error *e` last, never NULL. True: outputs are set, `e` untouched. False: `e` filled in,
 * outputs untouched.
 *
 *     if (fd < 0) {
 *         return error_system(e, "open %s", path);      // adds ": No such file or directory"
 *     }
 *     if (n > MAX) {
 *         return error_set(e, ERROR_LIMIT, "policy of %zu octets; at most %d are allowed", n, MAX);
 *     }
 *     if (!policy_parse(text, &policy, e)) {
 *         return error_prefix(e, "domain %s: ", domain);
 *     }
 *
 * The text is made safe to be shown as it is put together (lib/base/safe_text.h), whatever octets a
 * path or a name has; so it may be printed as it is. */
#ifndef LIB_BASE_ERROR_H
#define LIB_BASE_ERROR_H

#include <stdbool.h>

#include "lib/base/memory.h"

/* What a caller can act on. */
enum error_code {
    ERROR_NONE,
    ERROR_SYSTEM,    /* the operating system said no; `system_errno` says why */
    ERROR_NOT_FOUND, /* there is no such thing */
    ERROR_SYNTAX,    /* the input is not what its grammar asks for */
    ERROR_LIMIT,     /* larger than a named limit */
    ERROR_CONFLICT,  /* contradicts something else that stands */
    ERROR_CHANGED,   /* somebody else changed it meanwhile */
    ERROR_RETRY,     /* may work later */
};

struct error {
    enum error_code code;
    int system_errno;
    unsigned line;   /* 1-based place in the input; 0: the input as a whole, or no input */
    unsigned column; /* 1-based, in characters */
    char text[1024]; /* "what is wrong; what to do", no final newline */
};

void error_format(struct error *e, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void error_format_system(struct error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_format_prefix(struct error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* These end in `, false`: clang's analyzer does not see through a variadic function's value. */
#define error_set(e, code, ...) (error_format((e), (code), __VA_ARGS__), false)
#define error_system(e, ...)    (error_format_system((e), __VA_ARGS__), false)
#define error_prefix(e, ...)    (error_format_prefix((e), __VA_ARGS__), false)

#endif
