/* The places of a text at which something is replaced. */
#include <stdlib.h>

#include "policies/files/policy_edit_place.h"

void policy_edit_splice_add(struct policy_edit_splices *splices, size_t offset, size_t remove,
                            char *text) /* NOLINT(readability-non-const-parameter): taken */
{
    ARRAY_GROW(splices->items, splices->count, splices->capacity);
    splices->items[splices->count] =
        (struct policy_edit_splice){offset, remove, text, splices->count};
    splices->count++;
}

static int splice_compare(const void *left, const void *right)
{
    const struct policy_edit_splice *a = left;
    const struct policy_edit_splice *b = right;
    int by_offset = (a->offset > b->offset) - (a->offset < b->offset);
    return by_offset != 0 ? by_offset : (a->order > b->order) - (a->order < b->order);
}

void policy_edit_splices_sort(struct policy_edit_splices *splices)
{
    if (splices->count != 0) {
        qsort(splices->items, splices->count, sizeof(splices->items[0]), splice_compare);
    }
}

void policy_edit_splices_clear(struct policy_edit_splices *splices)
{
    for (size_t i = 0; i < splices->count; i++) {
        free(splices->items[i].text);
    }
    free(splices->items);
    *splices = (struct policy_edit_splices){0};
}
