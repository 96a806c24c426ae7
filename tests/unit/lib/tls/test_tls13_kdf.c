/* The key schedule of our own against OpenSSL's, and against the standard's trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "lib/base/bytes.h"
#include "lib/tls/tls_library.h"

/* What libssl hands over; a NULL is left out. */
struct question {
    const char *name;
    int mode;
    const char *digest;
    struct bytes key;
    struct bytes salt;
    const char *label;
    struct bytes context;
    size_t want; /* octets */
};

static const char OCTETS[256] = "a secret that is as long as it has to be, and some more of it";

#define SOME(n)  ((struct bytes){OCTETS, (n)})
#define OTHER(n) ((struct bytes){OCTETS + 7, (n)})
#define NONE     ((struct bytes){NULL, 0})
#define EXPAND   EVP_KDF_HKDF_MODE_EXPAND_ONLY
#define EXTRACT  EVP_KDF_HKDF_MODE_EXTRACT_ONLY

static const struct question QUESTIONS[] = {
    {"the first secret", EXTRACT, "SHA2-256", NONE, NONE, "derived", NONE, 32},
    {"the first secret of a resumption", EXTRACT, "SHA2-256", SOME(32), NONE, "derived", NONE, 32},
    {"the handshake secret", EXTRACT, "SHA2-256", SOME(32), OTHER(32), "derived", NONE, 32},
    {"that of P-384", EXTRACT, "SHA2-256", SOME(48), OTHER(32), "derived", NONE, 32},
    {"of a long agreement", EXTRACT, "SHA2-256", SOME(200), OTHER(32), "derived", NONE, 32},
    {"the master secret", EXTRACT, "SHA2-256", NONE, OTHER(32), "derived", NONE, 32},
    {"traffic", EXPAND, "SHA2-256", SOME(32), NONE, "c hs traffic", OTHER(32), 32},
    {"a key", EXPAND, "SHA2-256", SOME(32), NONE, "key", NONE, 16},
    {"a longer key", EXPAND, "SHA2-256", SOME(32), NONE, "key", NONE, 32},
    {"an iv", EXPAND, "SHA2-256", SOME(32), NONE, "iv", NONE, 12},
    {"an octet", EXPAND, "SHA2-256", SOME(32), NONE, "iv", NONE, 1},
    {"finished", EXPAND, "SHA2-256", SOME(32), NONE, "finished", NONE, 32},
    {"no label", EXPAND, "SHA2-256", SOME(32), NONE, "", OTHER(32), 32},
    /* OpenSSL's own work */
    {"more than a block", EXPAND, "SHA2-256", SOME(32), NONE, "exporter", OTHER(32), 80},
    {"another name of it", EXPAND, "SHA256", SOME(32), NONE, "key", NONE, 16},
    {"a short secret", EXPAND, "SHA2-256", SOME(20), NONE, "key", NONE, 16},
    {"SHA-384", EXPAND, "SHA2-384", SOME(48), NONE, "s ap traffic", OTHER(48), 48},
    {"SHA-384's secret", EXTRACT, "SHA2-384", SOME(32), OTHER(48), "derived", NONE, 48},
    /* Refused */
    {"a secret of another length", EXTRACT, "SHA2-256", SOME(32), OTHER(32), "derived", NONE, 16},
    {"no such digest", EXPAND, "SHA2-257", SOME(32), NONE, "key", NONE, 16},
    {"no secret", EXPAND, "SHA2-256", NONE, NONE, "key", NONE, 16},
    {"another mode", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, "SHA2-256", SOME(32), OTHER(32), "key",
     NONE, 32},
};

static void add_octets(OSSL_PARAM **next, const char *name, struct bytes octets)
{
    if (octets.p != NULL) {
        *(*next)++ = OSSL_PARAM_construct_octet_string(name, (char *)octets.p, octets.n);
    }
}

/* How the parameters may stand, from PARAMS to before END, where there is room for one more.
 * Returns the new end. */
typedef OSSL_PARAM *arrange_function(OSSL_PARAM *params, OSSL_PARAM *end);

static OSSL_PARAM *as_libssl_does(OSSL_PARAM *params, OSSL_PARAM *end)
{
    (void)params;
    return end;
}

static OSSL_PARAM *backwards(OSSL_PARAM *params, OSSL_PARAM *end)
{
    for (OSSL_PARAM *last = end - 1; params < last; params++, last--) {
        OSSL_PARAM kept = *params;
        *params = *last;
        *last = kept;
    }
    return end;
}

static OSSL_PARAM *with_another_key(OSSL_PARAM *params, OSSL_PARAM *end)
{
    (void)params;
    add_octets(&end, OSSL_KDF_PARAM_KEY, OTHER(32));
    return end;
}

static OSSL_PARAM *with_properties(OSSL_PARAM *params, OSSL_PARAM *end)
{
    (void)params;
    static char properties[] = "provider=nobody";
    *end++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_PROPERTIES, properties, 0);
    return end;
}

static arrange_function *const ARRANGEMENTS[] = {as_libssl_does, backwards, with_another_key,
                                                 with_properties};

static bool ask(OSSL_LIB_CTX *library, const struct question *question, arrange_function *arrange,
                unsigned char out[128])
{
    int mode = question->mode;
    OSSL_PARAM params[9];
    OSSL_PARAM *next = params;
    *next++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)question->digest, 0);
    add_octets(&next, OSSL_KDF_PARAM_KEY, question->key);
    add_octets(&next, OSSL_KDF_PARAM_SALT, question->salt);
    add_octets(&next, OSSL_KDF_PARAM_PREFIX, BYTES("tls13 "));
    add_octets(&next, OSSL_KDF_PARAM_LABEL,
               (struct bytes){question->label, strlen(question->label)});
    add_octets(&next, OSSL_KDF_PARAM_DATA, question->context);
    next = arrange(params, next);
    *next = OSSL_PARAM_construct_end();

    EVP_KDF *kdf = EVP_KDF_fetch(library, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
    assert_non_null(kdf);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    assert_non_null(context);
    bool done = EVP_KDF_derive(context, out, question->want, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return done;
}

static void test_derives_what_openssl_derives(void **state)
{
    (void)state;
    struct error e = {0};
    struct tls_library *library = NULL;
    assert_true(tls_library_new(&library, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(QUESTIONS) * ARRAY_LENGTH(ARRANGEMENTS); i++) {
        const struct question *question = &QUESTIONS[i / ARRAY_LENGTH(ARRANGEMENTS)];
        arrange_function *arrange = ARRANGEMENTS[i % ARRAY_LENGTH(ARRANGEMENTS)];
        unsigned char ours[128] = {0};
        unsigned char theirs[128] = {0};
        bool derived = ask(tls_library_context(library), question, arrange, ours);
        if (derived != ask(NULL, question, arrange, theirs) ||
            (derived && memcmp(ours, theirs, sizeof(ours)) != 0)) {
            fail_msg("%s, arrangement %zu", question->name, i % ARRAY_LENGTH(ARRANGEMENTS));
        }
    }
    tls_library_free(library);
}

/* RFC 8448 §3: of the handshake secret of a trace that is written down. */
static void test_derives_what_the_standard_has(void **state)
{
    (void)state;
    static const unsigned char handshake_secret[] = {
        0x1d, 0xc8, 0x26, 0xe9, 0x36, 0x06, 0xaa, 0x6f, 0xdc, 0x0a, 0xad,
        0xc1, 0x2f, 0x74, 0x1b, 0x01, 0x04, 0x6a, 0xa6, 0xb9, 0x9f, 0x69,
        0x1e, 0xd2, 0x21, 0xa9, 0xf0, 0xca, 0x04, 0x3f, 0xbe, 0xac};
    static const unsigned char master_secret[] = {0x18, 0xdf, 0x06, 0x84, 0x3d, 0x13, 0xa0, 0x8b,
                                                  0xf2, 0xa4, 0x49, 0x84, 0x4c, 0x5f, 0x8a, 0x47,
                                                  0x80, 0x01, 0xbc, 0x4d, 0x4c, 0x62, 0x79, 0x84,
                                                  0xd5, 0xa4, 0x1d, 0xa8, 0xd0, 0x40, 0x29, 0x19};
    const struct question question = {
        .mode = EXTRACT,
        .digest = "SHA2-256",
        .salt = {(const char *)handshake_secret, sizeof(handshake_secret)},
        .label = "derived",
        .want = sizeof(master_secret),
    };
    struct error e = {0};
    struct tls_library *library = NULL;
    assert_true(tls_library_new(&library, &e));
    unsigned char out[128];
    assert_true(ask(tls_library_context(library), &question, as_libssl_does, out));
    assert_memory_equal(out, master_secret, sizeof(master_secret));
    tls_library_free(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derives_what_openssl_derives),
        cmocka_unit_test(test_derives_what_the_standard_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
