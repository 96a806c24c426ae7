/* What the fuzz targets require of text that people, terminals and readers of JSON get, written
 * anew here: the code that is tested does not judge itself. */
#ifndef TESTS_FUZZ_SHOWN_H
#define TESTS_FUZZ_SHOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/bytes.h"

static inline void shown_expect(bool so, const char *what, int line)
{
    if (!so) {
        (void)fprintf(stderr, "line %d: not so: %s\n", line, what);
        abort();
    }
}
#define shown_require(condition) shown_expect((condition), #condition, __LINE__)

/* Controls, what ends lines or turns text, and zero width. */
static inline bool shown_is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* TEXT is UTF-8, of which jansson makes a string, and has nothing unsafe in it. */
static inline void shown_require_safe(struct bytes text)
{
    json_t *utf8 = json_stringn(text.n != 0 ? text.p : "", text.n);
    shown_require(utf8 != NULL);
    json_decref(utf8);
    for (size_t i = 0; i < text.n;) {
        unsigned char first = (unsigned char)text.p[i];
        size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t c = n == 1 ? first : first & (0xffU >> (n + 1));
        for (size_t k = 1; k < n; k++) {
            c = c << 6 | ((unsigned char)text.p[i + k] & 0x3fU);
        }
        shown_require(!shown_is_unsafe(c));
        i += n;
    }
}

#endif
