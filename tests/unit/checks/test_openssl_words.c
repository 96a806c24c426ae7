/* OpenSSL's words that checks/observe_connections.c goes by, since libcurl hands on nothing else.
 * With a release that has others, "the server is too old" would be told as "no TLS", in silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/memory.h"

static const struct {
    int reason;
    const char *words;
} ROWS[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "unsupported protocol"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "protocol version"},
};

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL), 1);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char text[256];
        ERR_error_string_n(ERR_PACK(ERR_LIB_SSL, 0, (unsigned long)ROWS[i].reason), text,
                           sizeof(text));
        assert_non_null(strstr(text, ROWS[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
