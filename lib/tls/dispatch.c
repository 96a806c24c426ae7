#include "dispatch.h"

#include <assert.h>

dispatch_function *dispatch_find(const OSSL_DISPATCH *functions, int id)
{
    for (; functions->function_id != 0; functions++) {
        if (functions->function_id == id) {
            return functions->function;
        }
    }
    return NULL;
}

dispatch_function *dispatch_take(struct dispatch_source *source, int id, const char *name)
{
    dispatch_function *found = dispatch_find(source->functions, id);
    if (found == NULL && source->lacking == NULL) {
        source->lacking = name;
    }
    return found;
}

void dispatch_make(const OSSL_DISPATCH *theirs, const struct dispatch_offer *offers, size_t count,
                   struct dispatch *ret_table)
{
    assert(count < DISPATCH_MAX);
    OSSL_DISPATCH *end = ret_table->functions;
    for (size_t i = 0; i < count; i++) {
        dispatch_function *function =
            offers[i].ours != NULL ? offers[i].ours : dispatch_find(theirs, offers[i].id);
        if (function != NULL) {
            *end++ = (OSSL_DISPATCH){offers[i].id, function};
        }
    }
    *end = (OSSL_DISPATCH){0, NULL};
}
