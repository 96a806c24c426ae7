/* The elliptic curves a server's key may have, as OpenSSL's groups: making one takes 12 µs, a sixth
 * of what reading a whole certificate takes, so a thread that reads many keeps them. Not for
 * several threads at once. */
#ifndef LIB_CERTIFICATES_CURVES_H
#define LIB_CERTIFICATES_CURVES_H

#include <openssl/ec.h>

enum { CURVES = 3 };

/* Zero-initialised is good. */
struct curves {
    EC_GROUP *groups[CURVES]; /* NULL: not asked for yet */
};

void curves_clear(struct curves *curves);

/* NULL: NID is not P-256, P-384 or P-521. Lives as long as CURVES. */
const EC_GROUP *curves_find(struct curves *curves, int nid);

#endif
