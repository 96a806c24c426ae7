/* HMAC in the library of lib/tls/tls_library.h against OpenSSL's own, operation by operation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/base/memory.h"
#include "library.h"

static const unsigned char OCTETS[300] = "a key or a message that is as long as it has to be";
enum step {
    END,
    SHA256, /* chooses a digest by a parameter */
    SHA2_256,
    SHA384,
    NO_SUCH_DIGEST,
    KEY_PARAM, /* a key by a parameter */
    ONE_SHOT,  /* a parameter that changes nothing that can be seen */
    SIZE,
    KEY_0, /* begins with a key of so many octets */
    KEY_32,
    KEY_64,
    KEY_65,
    AGAIN, /* begins with the key before */
    KEY_WITH_SHA384,
    KEY_WITH_SHA256,
    ADD_0,
    ADD_3,
    ADD_200,
    FINAL,
    SHORT, /* final with too little room */
    DUP,   /* goes on with a copy */
};

struct outcome {
    int results[16];
    unsigned char octets[16][EVP_MAX_MD_SIZE];
    size_t lengths[16];
};

static int set(EVP_MAC_CTX *mac, const char *name, const void *p, size_t n)
{
    OSSL_PARAM params[] = {
        strcmp(name, OSSL_MAC_PARAM_DIGEST) == 0
            ? OSSL_PARAM_construct_utf8_string(name, (char *)p, n)
            : OSSL_PARAM_construct_octet_string(name, (void *)p, n),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params);
}

static int begin(EVP_MAC_CTX *mac, size_t n, const char *digest)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(mac, OCTETS, n, digest != NULL ? params : NULL);
}

static int one_shot(EVP_MAC_CTX *mac)
{
    int no = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_MAC_PARAM_DIGEST_ONESHOT, &no),
                           OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, params);
}

static int take(EVP_MAC_CTX **mac, enum step step, unsigned char *out, size_t *ret_n)
{
    switch (step) {
    case SHA256:
        return set(*mac, OSSL_MAC_PARAM_DIGEST, "SHA256", 0);
    case SHA2_256:
        return set(*mac, OSSL_MAC_PARAM_DIGEST, "SHA2-256", 0);
    case SHA384:
        return set(*mac, OSSL_MAC_PARAM_DIGEST, "SHA384", 0);
    case NO_SUCH_DIGEST:
        return set(*mac, OSSL_MAC_PARAM_DIGEST, "SHA257", 0);
    case KEY_PARAM:
        return set(*mac, OSSL_MAC_PARAM_KEY, OCTETS + 5, 20);
    case ONE_SHOT:
        return one_shot(*mac);
    case SIZE:
        *ret_n = EVP_MAC_CTX_get_mac_size(*mac);
        return *ret_n != 0;
    case KEY_0:
        return begin(*mac, 0, NULL);
    case KEY_32:
        return begin(*mac, 32, NULL);
    case KEY_64:
        return begin(*mac, 64, NULL);
    case KEY_65:
        return begin(*mac, 65, NULL);
    case AGAIN:
        return EVP_MAC_init(*mac, NULL, 0, NULL);
    case KEY_WITH_SHA384:
        return begin(*mac, 32, "SHA384");
    case KEY_WITH_SHA256:
        return begin(*mac, 32, "SHA256");
    case ADD_0:
        return EVP_MAC_update(*mac, OCTETS, 0);
    case ADD_3:
        return EVP_MAC_update(*mac, OCTETS + 9, 3);
    case ADD_200:
        return EVP_MAC_update(*mac, OCTETS + 50, 200);
    case FINAL:
        return EVP_MAC_final(*mac, out, ret_n, EVP_MAX_MD_SIZE);
    case SHORT:
        return EVP_MAC_final(*mac, out, ret_n, 31);
    case DUP: {
        EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(*mac);
        EVP_MAC_CTX_free(*mac);
        *mac = copy;
        return copy != NULL;
    }
    case END:
        break;
    }
    return 0;
}

static void walk(OSSL_LIB_CTX *in, const enum step *steps, struct outcome *outcome)
{
    *outcome = (struct outcome){.results = {0}};
    EVP_MAC *hmac = EVP_MAC_fetch(in, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    assert_non_null(mac);
    for (size_t i = 0; steps[i] != END; i++) {
        outcome->results[i] = take(&mac, steps[i], outcome->octets[i], &outcome->lengths[i]) == 1;
        if (!outcome->results[i]) {
            outcome->lengths[i] = 0;
        }
    }
    ERR_clear_error();
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
}

static const enum step WALKS[][16] = {
    {SHA256, KEY_32, ADD_200, FINAL}, /* as libssl does */
    {SHA2_256, KEY_32, ADD_3, ADD_200, ADD_0, FINAL},
    {SHA256, KEY_64, ADD_200, FINAL},
    {SHA256, KEY_0, ADD_3, FINAL},
    {SHA256, KEY_65, ADD_3, FINAL},
    {SHA256, KEY_32, ADD_3, FINAL, AGAIN, ADD_3, FINAL, AGAIN, ADD_200, FINAL},
    {SHA256, KEY_32, ADD_3, AGAIN, ADD_200, FINAL},
    {SHA256, KEY_32, ADD_3, FINAL, KEY_65, ADD_200, FINAL, KEY_32, ADD_3, FINAL},
    {SHA256, KEY_32, ADD_3, FINAL, KEY_64, ADD_200, FINAL},
    {SHA256, KEY_32, SIZE, ADD_3, DUP, ADD_200, FINAL},
    {SHA256, DUP, KEY_32, DUP, ADD_3, DUP, FINAL},
    {SHA256, AGAIN},
    {SHA256, KEY_PARAM, AGAIN, ADD_3, FINAL},
    {SHA256, ONE_SHOT, KEY_32, ADD_3, FINAL},
    {SHA256, SHA384, KEY_32, SIZE, ADD_3, FINAL},
    {SHA384, KEY_32, SIZE, ADD_3, DUP, ADD_200, FINAL},
    {SHA384, SHA256, KEY_32, SIZE, ADD_3, FINAL},
    {KEY_WITH_SHA384, ADD_3, FINAL, KEY_WITH_SHA256, SIZE, ADD_3, FINAL},
    {KEY_WITH_SHA256, ADD_3, FINAL, KEY_WITH_SHA384, SIZE, ADD_3, FINAL},
    {NO_SUCH_DIGEST, SHA256, KEY_32, ADD_3, FINAL},
    {SHA256, KEY_32, ADD_3, FINAL, SHA384, KEY_32, ADD_3, FINAL},
    {SHA256, KEY_32, ADD_3, FINAL, KEY_PARAM, AGAIN, ADD_3, FINAL},
    {KEY_32},
    {SIZE},
    {SHA256, KEY_32, ADD_3, SHORT},
};

static void test_walks_as_openssl_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(WALKS); i++) {
        static struct outcome ours;
        static struct outcome theirs;
        walk(tls_library_context(library), WALKS[i], &ours);
        walk(NULL, WALKS[i], &theirs);
        for (size_t step = 0; step < 16; step++) {
            if (ours.results[step] != theirs.results[step] ||
                ours.lengths[step] != theirs.lengths[step] ||
                memcmp(ours.octets[step], theirs.octets[step], ours.lengths[step]) != 0) {
                fail_msg("walk %zu, step %zu: %d, OpenSSL %d", i, step, ours.results[step],
                         theirs.results[step]);
            }
        }
    }
}

/* RFC 4231 §4.3. */
static void test_the_standards_example(void **state)
{
    (void)state;
    static const unsigned char WANT[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                         0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                         0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                         0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const char TEXT[] = "what do ya want for nothing?";
    unsigned char out[EVP_MAX_MD_SIZE];
    size_t n = 0;
    assert_non_null(EVP_Q_mac(tls_library_context(library), "HMAC", NULL, "SHA256", NULL, "Jefe", 4,
                              (const unsigned char *)TEXT, sizeof(TEXT) - 1, out, sizeof(out), &n));
    assert_int_equal(n, sizeof(WANT));
    assert_memory_equal(out, WANT, sizeof(WANT));
}

/* OpenSSL would hash on with what is left of the message before; a message without a beginning is
 * refused here. */
static void test_no_message_without_a_key(void **state)
{
    (void)state;
    static const enum step AFTER[] = {SHA256, ADD_3, KEY_32, ADD_3, FINAL, ADD_3, FINAL, END};
    struct outcome outcome;
    walk(tls_library_context(library), AFTER, &outcome);
    static const int WANT[] = {1, 0, 1, 1, 1, 0, 0};
    for (size_t i = 0; i < ARRAY_LENGTH(WANT); i++) {
        assert_int_equal(outcome.results[i], WANT[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks_as_openssl_does),
        cmocka_unit_test(test_the_standards_example),
        cmocka_unit_test(test_no_message_without_a_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
