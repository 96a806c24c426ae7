#include "revoke_reason.h"

#include <string.h>

#include "lib/base/memory.h"

static const struct {
    const char *word;
    int code;
} REASONS[] = {
    {"unspecified", 0}, {"key-compromise", 1},         {"affiliation-changed", 3},
    {"superseded", 4},  {"cessation-of-operation", 5},
};

int revoke_reason_code(const char *word)
{
    for (size_t i = 0; word != NULL && i < ARRAY_LENGTH(REASONS); i++) {
        if (strcmp(word, REASONS[i].word) == 0) {
            return REASONS[i].code;
        }
    }
    return REASONS[0].code;
}
