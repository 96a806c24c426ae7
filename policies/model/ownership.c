#include "ownership.h"

/* The first claim that has what is asked for; COUNT: none has. */
static size_t first_with_text(const struct name_claim *claims, size_t count)
{
    size_t i = 0;
    while (i < count && !claims[i].text_that_stands) {
        i++;
    }
    return i;
}

static size_t first_served_last(const struct name_claim *claims, size_t count)
{
    size_t i = 0;
    while (i < count && !claims[i].served_last) {
        i++;
    }
    return i;
}

enum ownership ownership_decide(enum owner_state owner, const struct name_claim *claims,
                                size_t count, size_t *ret_claim)
{
    size_t with_text = first_with_text(claims, count);
    size_t served_last = first_served_last(claims, count);
    *ret_claim = with_text < count ? with_text : 0;
    switch (owner) {
    case OWNER_CLAIMS:
        return OWNERSHIP_STAYS;
    case OWNER_AWAY:
        return with_text < count ? OWNERSHIP_MOVES : OWNERSHIP_STAYS;
    case OWNER_LETS_GO:
        return count == 0                        ? OWNERSHIP_FREE
               : count == 1 || with_text < count ? OWNERSHIP_MOVES
                                                 : OWNERSHIP_DISPUTED;
    default:
        *ret_claim = served_last < count ? served_last : 0;
        return count == 0 ? OWNERSHIP_FREE : OWNERSHIP_MOVES;
    }
}
