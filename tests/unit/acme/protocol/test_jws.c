#include <jansson.h>
#include <openssl/hmac.h>

#include "acme/protocol/jws.h"
#include "es256.h"

#define URL   "https://ca.example/acme/new-order"
#define KID   "https://ca.example/acme/acct/1"
#define NONCE "oFvnlFP1wIhRlYS2jTaXbA"

static struct account_key *keys[2];

static int make_all(void **state)
{
    (void)state;
    struct error e;
    return account_key_generate(&keys[0], &e) && account_key_generate(&keys[1], &e) ? 0 : -1;
}

static int free_all(void **state)
{
    (void)state;
    account_key_free(keys[0]);
    account_key_free(keys[1]);
    return 0;
}

/* A JWS taken apart. */
struct parts {
    json_t *header;
    struct buffer header_text;
    struct buffer payload;
    struct buffer signature;
    struct buffer input; /* what is signed */
};

static void parts_clear(struct parts *parts)
{
    json_decref(parts->header);
    buffer_clear(&parts->header_text);
    buffer_clear(&parts->payload);
    buffer_clear(&parts->signature);
    buffer_clear(&parts->input);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static struct parts take_apart(const struct buffer *jws)
{
    struct parts parts = {.header_text = BUFFER(JWS_MAX),
                          .payload = BUFFER(JWS_MAX),
                          .signature = BUFFER(JWS_MAX),
                          .input = BUFFER(JWS_MAX)};
    assert_false(jws->overflow);
    json_error_t why;
    json_t *json = json_loadb(jws->p, jws->n, JSON_REJECT_DUPLICATES, &why);
    assert_non_null(json);
    assert_int_equal(json_object_size(json), 3); /* no "header" beside the protected one */
    const char *header = member(json, "protected");
    const char *payload = member(json, "payload");
    buffer_printf(&parts.input, "%s.%s", header, payload);
    assert_true(base64url_decode(bytes_of(header), &parts.header_text));
    assert_true(base64url_decode(bytes_of(payload), &parts.payload));
    assert_true(base64url_decode(bytes_of(member(json, "signature")), &parts.signature));
    parts.header =
        json_loadb(parts.header_text.p, parts.header_text.n, JSON_REJECT_DUPLICATES, &why);
    assert_non_null(parts.header);
    json_decref(json);
    return parts;
}

static bool signed_by(const struct parts *parts, const struct account_key *key)
{
    CLEANUP(buffer_clear) struct buffer jwk = BUFFER(256);
    account_key_jwk(key, &jwk);
    json_t *json = json_loads(jwk.p, 0, NULL);
    bool is = es256_verify(member(json, "x"), member(json, "y"), buffer_bytes(&parts->input),
                           buffer_bytes(&parts->signature));
    json_decref(json);
    return is;
}

/* HEADER's text, with the key's JWK for "JWK". */
static void expect_header(const struct parts *parts, const char *before, const char *after)
{
    CLEANUP(buffer_clear) struct buffer want = BUFFER(JWS_MAX);
    buffer_add_string(&want, before);
    if (after != NULL) {
        account_key_jwk(keys[0], &want);
        buffer_add_string(&want, after);
    }
    assert_string_equal(parts->header_text.p, want.p);
}

static void test_sign(void **state)
{
    (void)state;
    static const struct row {
        const char *name;
        struct jws_header header;
        struct bytes payload;
        const char *before; /* the header's text before the key */
        const char *after;  /* and after it; NULL: it has none */
    } rows[] = {
        {"by account",
         {URL, NONCE, KID},
         BYTES("{\"a\":1}"),
         "{\"alg\":\"ES256\",\"kid\":\"" KID "\",\"nonce\":\"" NONCE "\",\"url\":\"" URL "\"}",
         NULL},
        {"by key",
         {URL, NONCE, NULL},
         BYTES("{}"),
         "{\"alg\":\"ES256\",\"jwk\":",
         ",\"nonce\":\"" NONCE "\",\"url\":\"" URL "\"}"},
        {"POST-as-GET",
         {URL, NONCE, KID},
         BYTES(""),
         "{\"alg\":\"ES256\",\"kid\":\"" KID "\",\"nonce\":\"" NONCE "\",\"url\":\"" URL "\"}",
         NULL},
        {"without a nonce",
         {URL, NULL, NULL},
         BYTES("{}"),
         "{\"alg\":\"ES256\",\"jwk\":",
         ",\"url\":\"" URL "\"}"},
        {"texts that want escapes",
         {"https://ca.example/\"\\", "a\nb", "\xc3\xbc"},
         BYTES("not JSON \xff"),
         "{\"alg\":\"ES256\",\"kid\":\"\xc3\xbc\",\"nonce\":\"a\\nb\","
         "\"url\":\"https://ca.example/\\\"\\\\\"}",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        print_message("%s\n", rows[i].name);
        CLEANUP(buffer_clear) struct buffer jws = BUFFER(JWS_MAX);
        jws_sign(keys[0], &rows[i].header, rows[i].payload, &jws);
        CLEANUP(parts_clear) struct parts parts = take_apart(&jws);
        expect_header(&parts, rows[i].before, rows[i].after);
        assert_true(bytes_equal(buffer_bytes(&parts.payload), rows[i].payload));
        assert_true(signed_by(&parts, keys[0]));
        assert_false(signed_by(&parts, keys[1]));
    }
}

/* RFC 8555 §7.3.4: the MAC is over the account's public key. */
static void test_bind(void **state)
{
    (void)state;
    char long_key[200];
    memset(long_key, 'k', sizeof(long_key)); /* longer than HMAC's block */
    const struct bytes mac_keys[] = {{"\0with a NUL in it, 32 octets long", 32},
                                     {"k", 1},
                                     {"", 0},
                                     {long_key, sizeof(long_key)}};
    for (size_t i = 0; i < ARRAY_LENGTH(mac_keys); i++) {
        CLEANUP(buffer_clear) struct buffer jws = BUFFER(JWS_MAX);
        CLEANUP(buffer_clear) struct buffer jwk = BUFFER(256);
        jws_bind(keys[0], "kid-1", mac_keys[i], URL, &jws);
        CLEANUP(parts_clear) struct parts parts = take_apart(&jws);
        assert_string_equal(parts.header_text.p,
                            "{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"" URL "\"}");
        account_key_jwk(keys[0], &jwk);
        assert_string_equal(parts.payload.p, jwk.p);

        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        HMAC(EVP_sha256(), mac_keys[i].p, (int)mac_keys[i].n, (const unsigned char *)parts.input.p,
             parts.input.n, mac, &n);
        assert_true(bytes_equal(buffer_bytes(&parts.signature), (struct bytes){(char *)mac, n}));
    }
}

/* RFC 8555 §7.3.5 */
static void test_key_change(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer jws = BUFFER(JWS_MAX);
    jws_key_change(keys[0], keys[1], KID, "https://ca.example/key-change", &jws);
    CLEANUP(parts_clear) struct parts parts = take_apart(&jws);
    expect_header(&parts,
                  "{\"alg\":\"ES256\",\"jwk\":", ",\"url\":\"https://ca.example/key-change\"}");
    CLEANUP(buffer_clear) struct buffer want = BUFFER(JWS_MAX);
    buffer_add_string(&want, "{\"account\":\"" KID "\",\"oldKey\":");
    account_key_jwk(keys[1], &want);
    buffer_add_string(&want, "}");
    assert_string_equal(parts.payload.p, want.p);
    assert_true(signed_by(&parts, keys[0]));
}

static void test_appends(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(JWS_MAX);
    buffer_add_string(&out, "before ");
    jws_sign(keys[0], &(struct jws_header){URL, NONCE, KID}, BYTES(""), &out);
    assert_true(bytes_starts_with(buffer_bytes(&out), BYTES("before {\"protected\":\"")));
}

static void test_limits(void **state)
{
    (void)state;
    CLEANUP_FREE char *large = memory_zero(1, JWS_MAX);
    CLEANUP(buffer_clear) struct buffer too_large = BUFFER(JWS_MAX);
    jws_sign(keys[0], &(struct jws_header){URL, NONCE, KID}, (struct bytes){large, JWS_MAX},
             &too_large);
    assert_true(too_large.overflow);
    assert_int_equal(too_large.n, 0);

    /* Fits while it is signed, not with what comes around it. */
    CLEANUP(buffer_clear) struct buffer just = BUFFER(JWS_MAX);
    jws_sign(keys[0], &(struct jws_header){URL, NONCE, KID},
             (struct bytes){large, JWS_MAX / 4 * 3 - 200}, &just);
    assert_true(just.overflow);

    CLEANUP(buffer_clear) struct buffer small = BUFFER(100);
    jws_sign(keys[0], &(struct jws_header){URL, NONCE, KID}, BYTES("{}"), &small);
    assert_true(small.overflow);
}

/* What comes in an HTTP field may be anything. */
static void test_not_utf_8(void **state)
{
    (void)state;
    static const char bad[] = "a\xff";
    static const struct {
        const char *name;
        struct jws_header header;
    } rows[] = {
        {"url", {bad, NONCE, KID}},
        {"nonce", {URL, bad, KID}},
        {"nonce beside the key", {URL, bad, NULL}},
        {"kid", {URL, NONCE, bad}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer jws = BUFFER(JWS_MAX);
        jws_sign(keys[0], &rows[i].header, BYTES("{}"), &jws);
        if (!jws.overflow || jws.n != 0) {
            fail_msg("%s: signed", rows[i].name);
        }
    }
    CLEANUP(buffer_clear) struct buffer bound = BUFFER(JWS_MAX);
    jws_bind(keys[0], bad, BYTES("k"), URL, &bound);
    assert_true(bound.overflow);
    CLEANUP(buffer_clear) struct buffer changed = BUFFER(JWS_MAX);
    jws_key_change(keys[0], keys[1], bad, URL, &changed);
    assert_true(changed.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(es256_test_vector), cmocka_unit_test(test_sign),
        cmocka_unit_test(test_bind),         cmocka_unit_test(test_key_change),
        cmocka_unit_test(test_appends),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_not_utf_8),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
