/* Tables of a provider's functions (OSSL_DISPATCH in provider-base(7)): what is found in OpenSSL's
 * own, and what is offered in their place.
 *
 * A table of ours is made of functions that it names, one by one. What a later OpenSSL has beside
 * them is not offered: nobody here knows what it would be handed, and a certificate's key of ours
 * (lib/tls/octet_key.h) is no key to a function that has not been told. */
#ifndef LIB_TLS_DISPATCH_H
#define LIB_TLS_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/core.h>

typedef void dispatch_function(void);

/* NULL: there is none. */
dispatch_function *dispatch_find(const OSSL_DISPATCH *functions, int id);

/* --- OpenSSL's own functions --- */

struct dispatch_source {
    const OSSL_DISPATCH *functions;
    const char *lacking; /* the first one that was looked for and is not there, or NULL */
};

/* NULL: there is none; then SOURCE says so by NAME. */
dispatch_function *dispatch_take(struct dispatch_source *source, int id, const char *name);

/* The same with types: into PLACE, NUMBER without its OSSL_FUNC_. Whether there is one. */
#define DISPATCH_TAKE(place, source, number)                                                       \
    (((place) = (__typeof__(place))dispatch_take((source), OSSL_FUNC_##number, #number)) != NULL)

/* --- A table of ours --- */

enum { DISPATCH_MAX = 32 }; /* functions of a table, with the empty one at its end */

struct dispatch {
    OSSL_DISPATCH functions[DISPATCH_MAX];
};

struct dispatch_offer {
    int id;
    dispatch_function *ours; /* NULL: theirs is offered as it is, where there is one */
};

#define DISPATCH_OURS(number, function)                                                            \
    {                                                                                              \
        OSSL_FUNC_##number, (dispatch_function *)(function)                                        \
    }
#define DISPATCH_THEIRS(number)                                                                    \
    {                                                                                              \
        OSSL_FUNC_##number, NULL                                                                   \
    }

/* What OFFERS names, fewer than DISPATCH_MAX, and nothing else of THEIRS. */
void dispatch_make(const OSSL_DISPATCH *theirs, const struct dispatch_offer *offers, size_t count,
                   struct dispatch *ret_table);

#endif
