/* What a hook said: one line, no control characters, a bounded one, and the same when it is put
 * through again (where nothing was cut). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
    char words[DNS_HOOK_WORDS_SIZE];
    char again[DNS_HOOK_WORDS_SIZE];
    size_t n = dns_hook_words((struct bytes){(const char *)data, size}, words);
    size_t length = strnlen(words, sizeof(words));
    require(length < sizeof(words) && (n == 0) == (length == 0));
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)words[i];
        require(c >= 0x20 && c != 0x7f);
        require(c != ' ' || (i != 0 && i + 1 != length && words[i - 1] != ' '));
    }
    if (length <= DNS_HOOK_OUTPUT_MAX) {
        (void)dns_hook_words((struct bytes){words, length}, again);
        require(strcmp(words, again) == 0);
    }
    return 0;
}
