#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "lib/base/memory.h"
#include "lib/tls/tls_library.h"

static void test_offers_what_tls_takes_and_no_more(void **state)
{
    (void)state;
    struct error e = {0};
    struct tls_library *library = NULL;
    assert_true(tls_library_new(&library, &e));
    OSSL_LIB_CTX *context = tls_library_context(library);

    EVP_MD *kept = EVP_MD_fetch(context, "SHA256", NULL);
    EVP_MD *left_out = EVP_MD_fetch(context, "MD5", NULL);
    EVP_KEYMGMT *group = EVP_KEYMGMT_fetch(context, "X25519", NULL);
    assert_non_null(kept);
    assert_null(left_out);
    assert_non_null(group);
    ERR_clear_error();
    EVP_MD_free(kept);
    EVP_KEYMGMT_free(group);
    tls_library_free(library);
}

/* Where only some of TLS's algorithms are missing, OpenSSL leaves ciphers out without a word. */
static void test_all_ciphers_are_there(void **state)
{
    (void)state;
    static const char *const WANT[] = {
        "TLS_AES_128_GCM_SHA256",        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",  "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",   "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    };
    struct error e = {0};
    struct tls_library *library = NULL;
    assert_true(tls_library_new(&library, &e));
    SSL_CTX *ssl = SSL_CTX_new_ex(tls_library_context(library), NULL, TLS_server_method());
    assert_non_null(ssl);
    for (size_t i = 0; i < ARRAY_LENGTH(WANT); i++) {
        bool found = false;
        const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ssl);
        for (int c = 0; c < sk_SSL_CIPHER_num(ciphers); c++) {
            found |= strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, c)), WANT[i]) == 0;
        }
        if (!found) {
            fail_msg("%s is missing", WANT[i]);
        }
    }
    SSL_CTX_free(ssl);
    tls_library_free(library);
}

/* That main() was in time: nothing before it had OpenSSL register all of them. */
static void test_only_ciphers_of_tls_are_registered(void **state)
{
    (void)state;
    assert_non_null(EVP_get_cipherbyname("aes-128-gcm"));
    assert_null(EVP_get_cipherbyname("camellia-128-cbc"));
    assert_non_null(EVP_get_digestbyname("sha3-256"));
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "camellia-128-cbc", NULL);
    assert_non_null(cipher);
    EVP_CIPHER_free(cipher);
}

static void test_contexts_come_and_go(void **state)
{
    (void)state;
    struct error e = {0};
    struct tls_library *a = NULL;
    struct tls_library *b = NULL;
    assert_true(tls_library_new(&a, &e));
    assert_true(tls_library_new(&b, &e));
    assert_ptr_not_equal(tls_library_context(a), tls_library_context(b));
    tls_library_free(a);
    EVP_MD *digest = EVP_MD_fetch(tls_library_context(b), "SHA384", NULL);
    assert_non_null(digest);
    EVP_MD_free(digest);
    tls_library_free(b);
    tls_library_free(NULL);
}

int main(void)
{
    tls_library_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_ciphers_of_tls_are_registered),
        cmocka_unit_test(test_offers_what_tls_takes_and_no_more),
        cmocka_unit_test(test_all_ciphers_are_there),
        cmocka_unit_test(test_contexts_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
