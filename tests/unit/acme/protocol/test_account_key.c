#include <jansson.h>

#include "acme/protocol/account_key.h"
#include "es256.h"

/* echo -n JWK | openssl dgst -sha256 -binary | basenc --base64url */
#define THUMBPRINT "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
#define JWK        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"}"

static struct account_key *parse(const struct buffer *pem)
{
    struct account_key *key = NULL;
    struct error e = {0};
    if (!account_key_parse(buffer_bytes(pem), &key, &e)) {
        fail_msg("%s", e.text);
    }
    return key;
}

static struct account_key *generate(void)
{
    struct account_key *key = NULL;
    struct error e = {0};
    if (!account_key_generate(&key, &e)) {
        fail_msg("%s", e.text);
    }
    return key;
}

static void check_signature(const struct account_key *key, struct bytes text)
{
    CLEANUP(buffer_clear) struct buffer jwk = BUFFER(256);
    CLEANUP(buffer_clear) struct buffer signature = BUFFER(64);
    account_key_jwk(key, &jwk);
    account_key_sign(key, text, &signature);
    json_t *json = json_loads(jwk.p, 0, NULL);
    assert_true(es256_verify(json_string_value(json_object_get(json, "x")),
                             json_string_value(json_object_get(json, "y")), text,
                             buffer_bytes(&signature)));
    json_decref(json);
}

static void test_known_key(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer pem = BUFFER(4096);
    CLEANUP(buffer_clear) struct buffer jwk = BUFFER(4096);
    EVP_PKEY *pkey = es256_key(ES256_X, ES256_Y, ES256_D);
    make_add_key(&pem, pkey, MAKE_PKCS8);
    EVP_PKEY_free(pkey);
    struct account_key *key = parse(&pem);
    account_key_jwk(key, &jwk);
    assert_string_equal(jwk.p, JWK);
    assert_string_equal(account_key_thumbprint(key), THUMBPRINT);
    check_signature(key, BYTES(ES256_INPUT));
    account_key_free(key);
}

static void test_print_and_parse_again(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer pem = BUFFER(4096);
    CLEANUP(buffer_clear) struct buffer pem_again = BUFFER(4096);
    struct account_key *key = generate();
    account_key_print(key, &pem);
    assert_true(bytes_starts_with(buffer_bytes(&pem), BYTES("-----BEGIN PRIVATE KEY-----\n")));
    struct account_key *again = parse(&pem);
    assert_string_equal(account_key_thumbprint(key), account_key_thumbprint(again));
    account_key_print(again, &pem_again);
    assert_string_equal(pem.p, pem_again.p);

    struct account_key *other = generate();
    assert_string_not_equal(account_key_thumbprint(key), account_key_thumbprint(other));
    account_key_free(other);
    account_key_free(again);
    account_key_free(key);
    account_key_free(NULL);
}

/* R, S, x and y have 32 octets also where they begin with zeros, as one in 256 does. */
static void test_short_numbers(void **state)
{
    (void)state;
    struct account_key *key = generate();
    bool short_r = false;
    bool short_s = false;
    for (int i = 0; i < 20000 && !(short_r && short_s); i++) {
        CLEANUP(buffer_clear) struct buffer signature = BUFFER(64);
        account_key_sign(key, BYTES("text"), &signature);
        assert_int_equal(signature.n, 64);
        short_r = short_r || signature.p[0] == 0;
        short_s = short_s || signature.p[32] == 0;
    }
    assert_true(short_r && short_s);
    account_key_free(key);

    bool short_x = false;
    bool short_y = false;
    for (int i = 0; i < 20000 && !(short_x && short_y); i++) {
        CLEANUP(buffer_clear) struct buffer jwk = BUFFER(256);
        struct account_key *one = generate();
        account_key_jwk(one, &jwk);
        assert_int_equal(jwk.n, strlen(JWK));
        bool zero_x = bytes_equal((struct bytes){jwk.p + 31, 1}, BYTES("A"));
        bool zero_y = bytes_equal((struct bytes){jwk.p + 81, 1}, BYTES("A"));
        if ((zero_x && !short_x) || (zero_y && !short_y)) {
            check_signature(one, BYTES("text"));
        }
        short_x = short_x || zero_x;
        short_y = short_y || zero_y;
        account_key_free(one);
    }
    assert_true(short_x && short_y);
}

static void test_signs_what_it_is_given(void **state)
{
    (void)state;
    struct account_key *key = generate();
    check_signature(key, BYTES(""));
    check_signature(key, BYTES("with\0a NUL"));
    CLEANUP_FREE char *large = memory_zero(1, 1 << 20);
    check_signature(key, (struct bytes){large, 1 << 20});
    account_key_free(key);
}

enum defect { NONE, OTHER_HALF, SEC1, ENCRYPTED, HALF, GARBAGE, EMPTY, LARGE, CERTIFICATE };

static void write_key(enum defect defect, const char *kind, size_t bits, struct buffer *pem)
{
    EVP_PKEY *key = NULL;
    if (defect == OTHER_HALF) {
        /* Another's private number: 1 is as good as any. */
        key = es256_key(ES256_X, ES256_Y, "AQ");
    } else {
        key = make_key(kind, bits);
    }
    switch (defect) {
    case GARBAGE:
        buffer_add_string(pem, "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n"
                               "-----END PRIVATE KEY-----\n");
        break;
    case EMPTY:
        break;
    case LARGE:
        while (pem->n <= (size_t)16 * 1024) {
            buffer_add_string(pem, "nothing of interest\n");
        }
        make_add_key(pem, key, MAKE_PKCS8);
        break;
    case CERTIFICATE: {
        X509 *certificate = make_certificate(&(struct make_recipe){.key = key});
        make_add_certificate(pem, certificate);
        X509_free(certificate);
        break;
    }
    default:
        make_add_key(pem, key,
                     defect == SEC1        ? MAKE_TRADITIONAL
                     : defect == ENCRYPTED ? MAKE_PKCS8_ENCRYPTED
                                           : MAKE_PKCS8);
    }
    if (defect == HALF) {
        pem->n /= 2;
    }
    EVP_PKEY_free(key);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *kind;
        size_t bits;
        enum defect defect;
        enum error_code code;
        const char *error;
    } rows[] = {
        {"P-384", "P-384", 0, NONE, ERROR_SYNTAX, "not ECDSA with P-256"},
        {"secp256k1", "secp256k1", 0, NONE, ERROR_SYNTAX, "not ECDSA with P-256"},
        {"RSA", "RSA", 2048, NONE, ERROR_SYNTAX, "not ECDSA with P-256"},
        {"Ed25519", "ED25519", 0, NONE, ERROR_SYNTAX, "not ECDSA with P-256"},
        {"two halves of two keys", "P-256", 0, OTHER_HALF, ERROR_SYNTAX, "is damaged"},
        {"SEC1", "P-256", 0, SEC1, ERROR_SYNTAX, "not in PKCS #8"},
        {"encrypted", "P-256", 0, ENCRYPTED, ERROR_SYNTAX, "not in PKCS #8"},
        {"half a key", "P-256", 0, HALF, ERROR_SYNTAX, "not in PKCS #8"},
        {"garbage", "P-256", 0, GARBAGE, ERROR_SYNTAX, "is damaged"},
        {"nothing", "P-256", 0, EMPTY, ERROR_SYNTAX, "not in PKCS #8"},
        {"a certificate", "P-256", 0, CERTIFICATE, ERROR_SYNTAX, "not in PKCS #8"},
        {"much", "P-256", 0, LARGE, ERROR_LIMIT, "larger than"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer pem = BUFFER(64 * 1024);
        write_key(rows[i].defect, rows[i].kind, rows[i].bits, &pem);
        struct account_key *key = NULL;
        struct error e = {0};
        if (account_key_parse(buffer_bytes(&pem), &key, &e)) {
            fail_msg("%s: accepted", rows[i].name);
        }
        if (e.code != rows[i].code || strstr(e.text, rows[i].error) == NULL || key != NULL ||
            strchr(e.text, ';') == NULL) {
            fail_msg("%s: %d %s", rows[i].name, (int)e.code, e.text);
        }
        assert_int_equal(ERR_peek_error(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(es256_test_vector),           cmocka_unit_test(test_known_key),
        cmocka_unit_test(test_print_and_parse_again),  cmocka_unit_test(test_short_numbers),
        cmocka_unit_test(test_signs_what_it_is_given), cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
