/* Tables of a provider's functions (OSSL_DISPATCH in provider-base(7)), some of them replaced. */
#ifndef PROVIDER_DISPATCH_H
#define PROVIDER_DISPATCH_H

#include <stdbool.h>

#include <openssl/core.h>

typedef void dispatch_function(void);

enum { DISPATCH_MAX = 40 }; /* functions of a table, with the empty one at its end */

struct dispatch {
    OSSL_DISPATCH functions[DISPATCH_MAX];
};

/* False: THEIRS are too many. */
bool dispatch_copy(const OSSL_DISPATCH *theirs, struct dispatch *ret_copy);

/* Puts FUNCTION in the place of the one with the number ID (OSSL_FUNC_*), which it returns. NULL:
 * there is none, and nothing was put anywhere. */
dispatch_function *dispatch_replace(struct dispatch *dispatch, int id, dispatch_function *function);

/* NULL: there is none. */
dispatch_function *dispatch_find(const OSSL_DISPATCH *functions, int id);

/* The same with types: into PLACE, NUMBER without its OSSL_FUNC_. Whether there is one. */
#define DISPATCH_FIND(place, functions, number)                                                    \
    (((place) = (__typeof__(place))dispatch_find((functions), OSSL_FUNC_##number)) != NULL)
#define DISPATCH_REPLACE(place, dispatch, number, ours)                                            \
    (((place) = (__typeof__(place))dispatch_replace((dispatch), OSSL_FUNC_##number,                \
                                                    (dispatch_function *)(ours))) != NULL)

#endif
