/* A key file: what is taken reads the same when it is written again, and its secret is in no
 * message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dns/tsig_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e;
    struct dns_tsig_key key = {0};
    struct dns_tsig_key again = {0};
    if (!dns_tsig_key_parse((struct bytes){(const char *)data, size}, &key, &e)) {
        require(key.name == NULL && key.secret == NULL && e.text[0] != '\0');
        return 0;
    }
    size_t n = strlen(key.name);
    require(n >= 2 && key.name[n - 1] == '.' && strpbrk(key.name, "ABCXYZ \"{};") == NULL);
    CLEANUP_FREE char *text =
        memory_printf("key \"%s\" { algorithm %.*s; secret \"%s\"; };\n", key.name,
                      (int)strlen(key.algorithm) - 1, key.algorithm, key.secret);
    require(dns_tsig_key_parse(bytes_of(text), &again, &e));
    require(strcmp(key.name, again.name) == 0 && strcmp(key.secret, again.secret) == 0);
    require(strcmp(key.algorithm, again.algorithm) == 0);
    dns_tsig_key_clear(&key);
    dns_tsig_key_clear(&again);
    return 0;
}
