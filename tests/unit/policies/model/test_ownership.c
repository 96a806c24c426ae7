/* The table of policies/model/ownership.h, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/model/ownership.h"

struct row {
    const char *name;
    enum owner_state owner;
    const char *claims; /* one letter each: . another text, = the text that stands, l served last */
    enum ownership want;
    size_t claim;
};

static const struct row rows[] = {
    {"a plain file", OWNER_CLAIMS, "", OWNERSHIP_STAYS, 0},
    {"a copy beside it", OWNER_CLAIMS, ".", OWNERSHIP_STAYS, 0},
    {"a copy that was not edited", OWNER_CLAIMS, "=", OWNERSHIP_STAYS, 0},
    {"a domain that is taken out", OWNER_LETS_GO, "", OWNERSHIP_FREE, 0},
    {"a domain that moves", OWNER_LETS_GO, ".", OWNERSHIP_MOVES, 0},
    {"one that moves, and a copy of the old file", OWNER_LETS_GO, ".=", OWNERSHIP_MOVES, 1},
    {"two copies of it", OWNER_LETS_GO, "==", OWNERSHIP_MOVES, 0},
    {"two that say otherwise", OWNER_LETS_GO, "..", OWNERSHIP_DISPUTED, 0},
    {"a mount point that is empty", OWNER_AWAY, "", OWNERSHIP_STAYS, 0},
    {"another file takes what was there", OWNER_AWAY, ".", OWNERSHIP_STAYS, 0},
    {"the same text from elsewhere", OWNER_AWAY, "=", OWNERSHIP_MOVES, 0},
    {"the same text among others", OWNER_AWAY, "..=", OWNERSHIP_MOVES, 2},
    {"nothing, and nobody", OWNER_NONE, "", OWNERSHIP_FREE, 0},
    {"a new domain", OWNER_NONE, ".", OWNERSHIP_MOVES, 0},
    {"a new domain twice", OWNER_NONE, "..", OWNERSHIP_MOVES, 0},
    {"the memory is lost, the history is not", OWNER_NONE, ".l.", OWNERSHIP_MOVES, 1},
};

static void test_each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct name_claim claims[4] = {{0}};
        size_t count = strlen(row->claims);
        size_t claim = 99;
        for (size_t n = 0; n < count; n++) {
            claims[n] = (struct name_claim){row->claims[n] == '=', row->claims[n] == 'l'};
        }
        enum ownership got = ownership_decide(row->owner, claims, count, &claim);
        if (got != row->want || (got == OWNERSHIP_MOVES && claim != row->claim)) {
            fail_msg("%s: %d to %zu, not %d to %zu", row->name, (int)got, claim, (int)row->want,
                     row->claim);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
