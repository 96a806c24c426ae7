/* What a hook said: one line, no control characters, a bounded one, and the same when it is put
 * through again (where nothing was cut). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/program.h"
#include "lib/dns/hook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char words[PROGRAM_WORDS_SIZE];
    char again[PROGRAM_WORDS_SIZE];
    size_t n = program_words((struct bytes){(const char *)data, size}, words);
    size_t length = strnlen(words, sizeof(words));
    require(length < sizeof(words) && (n == 0) == (length == 0));
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)words[i];
        require(c >= 0x20 && c != 0x7f);
        require(c != ' ' || (i != 0 && i + 1 != length && words[i - 1] != ' '));
    }
    if (length <= PROGRAM_OUTPUT_MAX) {
        (void)program_words((struct bytes){words, length}, again);
        require(strcmp(words, again) == 0);
    }
    return 0;
}
