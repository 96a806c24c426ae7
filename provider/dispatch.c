#include "dispatch.h"

#include <stddef.h>

bool dispatch_copy(const OSSL_DISPATCH *theirs, struct dispatch *ret_copy)
{
    size_t count = 0;
    for (; theirs[count].function_id != 0; count++) {
        if (count == DISPATCH_MAX - 1) {
            return false;
        }
        ret_copy->functions[count] = theirs[count];
    }
    ret_copy->functions[count] = (OSSL_DISPATCH){0, NULL};
    return true;
}

dispatch_function *dispatch_replace(struct dispatch *dispatch, int id, dispatch_function *function)
{
    for (OSSL_DISPATCH *at = dispatch->functions; at->function_id != 0; at++) {
        if (at->function_id == id) {
            dispatch_function *old = at->function;
            at->function = function;
            return old;
        }
    }
    return NULL;
}

dispatch_function *dispatch_find(const OSSL_DISPATCH *functions, int id)
{
    for (; functions->function_id != 0; functions++) {
        if (functions->function_id == id) {
            return functions->function;
        }
    }
    return NULL;
}
