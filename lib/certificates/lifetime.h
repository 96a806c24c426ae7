/* How long a certificate lives, and when its end wants a person. */
#ifndef LIB_CERTIFICATES_LIFETIME_H
#define LIB_CERTIFICATES_LIFETIME_H

#include <stdint.h>

/* Seconds. A certificate may say any time: one that ends before it begins has no life. */
static inline int64_t certificate_lifetime_s(int64_t not_before_s, int64_t not_after_s)
{
    return not_after_s > not_before_s ? not_after_s - not_before_s : 0;
}

/* The moment from which less than a third of its lifetime is left, at most 14 days: whatever renews
 * certificates has done so before, where it works. Seconds since 1970. */
static inline int64_t certificate_ends_soon_s(int64_t not_before_s, int64_t not_after_s)
{
    const int64_t most_s = (int64_t)14 * 86400;
    int64_t third_s = certificate_lifetime_s(not_before_s, not_after_s) / 3;
    return not_after_s - (third_s < most_s ? third_s : most_s);
}

#endif
