#include "../../lib/certificates/make.h"
#include "acme/protocol/issued.h"

#define HOST "mta-sts.a.example"
enum { HOUR = 3600 };

enum key_name { LEAF, INTERMEDIATE, ROOT, OTHER, KEYS };
static EVP_PKEY *keys[KEYS];
static X509 *root;
static X509 *intermediate;
static X509 *impostor; /* the intermediate's name, another's key */

static int make_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = make_key("P-256", 0);
    }
    root = make_certificate(&(struct make_recipe){.key = keys[ROOT], .common_name = "Root R1"});
    intermediate = make_certificate(&(struct make_recipe){.key = keys[INTERMEDIATE],
                                                          .common_name = "Intermediate E5",
                                                          .issuer = root,
                                                          .issuer_key = keys[ROOT]});
    impostor = make_certificate(&(struct make_recipe){.key = keys[OTHER],
                                                      .common_name = "Intermediate E5",
                                                      .issuer = root,
                                                      .issuer_key = keys[ROOT]});
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        EVP_PKEY_free(keys[i]);
    }
    X509_free(root);
    X509_free(intermediate);
    X509_free(impostor);
    return 0;
}

static X509 *make_leaf(const char *sans, int64_t from, int64_t until)
{
    return make_certificate(&(struct make_recipe){.key = keys[LEAF],
                                                  .sans = sans,
                                                  .from = from,
                                                  .until = until,
                                                  .issuer = intermediate,
                                                  .issuer_key = keys[INTERMEDIATE]});
}

/* What follows the leaf. */
enum chain { FULL, INTERMEDIATE_ONLY, LEAF_ONLY, SWAPPED, IMPOSTOR, ROOT_ONLY, TWICE };

static void write_chain(enum chain kind, X509 *leaf, struct buffer *text)
{
    X509 *const chains[][3] = {
        [FULL] = {leaf, intermediate, root},
        [INTERMEDIATE_ONLY] = {leaf, intermediate},
        [LEAF_ONLY] = {leaf},
        [SWAPPED] = {leaf, root, intermediate},
        [IMPOSTOR] = {leaf, impostor, root},
        [ROOT_ONLY] = {leaf, root},
        [TWICE] = {leaf, leaf, intermediate},
    };
    for (size_t i = 0; i < 3 && chains[kind][i] != NULL; i++) {
        make_add_certificate(text, chains[kind][i]);
    }
}

static const struct row {
    const char *name;
    const char *sans; /* NULL: HOST alone */
    int64_t from;     /* of validity, seconds from now; 0 and 0: a day from now */
    int64_t until;
    enum chain chain;
    enum key_name key;
    const char *error;         /* what issued_check says; NULL: fine */
    const char *foreign_error; /* and issued_check_foreign */
    enum error_code code;
} ROWS[] = {
    {.name = "as it should be"},
    {.name = "without the root", .chain = INTERMEDIATE_ONLY},
    {.name = "the leaf alone", .chain = LEAF_ONLY},
    {.name = "in capitals", .sans = "DNS:MTA-STS.A.example"},

    {.name = "another name",
     .sans = "DNS:mta-sts.b.example",
     .error = "certificate of " HOST ": it is not for that name alone",
     .foreign_error = "certificate of " HOST ": that name is not among its subjectAltNames",
     .code = ERROR_CONFLICT},
    {.name = "two names",
     .sans = "DNS:" HOST ",DNS:mta-sts.b.example",
     .error = "not for that name alone",
     .code = ERROR_CONFLICT},
    {.name = "a second name that nobody can ask for",
     .sans = "DNS:" HOST ",DNS:a_b.example",
     .error = "not for that name alone",
     .code = ERROR_CONFLICT},
    {.name = "a wildcard that covers it",
     .sans = "DNS:*.a.example",
     .error = "not for that name alone",
     .code = ERROR_CONFLICT},
    {.name = "a wildcard a label too high",
     .sans = "DNS:*.example",
     .error = "not for that name alone",
     .foreign_error = "not among its subjectAltNames",
     .code = ERROR_CONFLICT},
    {.name = "a wildcard below it",
     .sans = "DNS:*.mta-sts.a.example",
     .error = "not for that name alone",
     .foreign_error = "not among its subjectAltNames",
     .code = ERROR_CONFLICT},
    {.name = "a name that ends alike",
     .sans = "DNS:x-mta-sts.a.example",
     .error = "not for that name alone",
     .foreign_error = "not among its subjectAltNames",
     .code = ERROR_CONFLICT},
    {.name = "no DNS name",
     .sans = "IP:192.0.2.1",
     .error = "has no host name among its subjectAltNames",
     .foreign_error = "has no host name among its subjectAltNames",
     .code = ERROR_SYNTAX},

    {.name = "not valid for 59 minutes", .from = HOUR - 60, .until = DAY},
    {.name = "not valid for 61 minutes",
     .from = HOUR + 60,
     .until = DAY,
     .error = "it is not valid yet",
     .foreign_error = "it is not valid yet",
     .code = ERROR_CONFLICT},
    {.name = "expired 59 minutes ago",
     .from = -DAY,
     .until = 60 - HOUR,
     .foreign_error = "it has expired",
     .code = ERROR_CONFLICT},
    {.name = "expired 61 minutes ago",
     .from = -DAY,
     .until = -60 - HOUR,
     .error = "it has expired",
     .foreign_error = "it has expired",
     .code = ERROR_CONFLICT},
    {.name = "an end before the beginning",
     .from = 30 * 60,
     .until = 20 * 60,
     .error = "its dates make no sense",
     .foreign_error = "its dates make no sense",
     .code = ERROR_SYNTAX},

    {.name = "another's key",
     .key = OTHER,
     .error = "the private key in key of " HOST
              " does not belong to the first certificate in certificate of " HOST,
     .foreign_error = "does not belong",
     .code = ERROR_CONFLICT},
    {.name = "root and intermediate swapped",
     .chain = SWAPPED,
     .error = "certificate 1 of its chain is not signed by the one after it",
     .foreign_error = "certificate 1 of its chain",
     .code = ERROR_CONFLICT},
    {.name = "an intermediate of the same name",
     .chain = IMPOSTOR,
     .error = "certificate 1 of its chain",
     .foreign_error = "certificate 1 of its chain",
     .code = ERROR_CONFLICT},
    {.name = "no intermediate",
     .chain = ROOT_ONLY,
     .error = "certificate 1 of its chain",
     .foreign_error = "certificate 1 of its chain",
     .code = ERROR_CONFLICT},
    {.name = "the leaf twice",
     .chain = TWICE,
     .error = "certificate 1 of its chain",
     .foreign_error = "certificate 1 of its chain",
     .code = ERROR_CONFLICT},
};

typedef bool (*check_function)(const struct issued_texts *texts, const char *host, int64_t now_s,
                               struct issued *ret_issued, struct error *e);

static void run(const struct row *row, check_function check, const char *want_error)
{
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    X509 *leaf = make_leaf(row->sans != NULL ? row->sans : "DNS:" HOST, row->from, row->until);
    write_chain(row->chain, leaf, &chain);
    make_add_key(&secret, keys[row->key], MAKE_PKCS8);
    struct issued issued = {0};
    struct error e = {0};
    bool done = check(&(struct issued_texts){NULL, buffer_bytes(&chain), buffer_bytes(&secret)},
                      HOST, time(NULL), &issued, &e);
    if (done != (want_error == NULL)) {
        fail_msg("%s: %s", row->name, done ? "accepted" : e.text);
    }
    if (!done && (e.code != row->code || strstr(e.text, want_error) == NULL ||
                  strchr(e.text, ';') == NULL || issued.pair != NULL)) {
        fail_msg("%s: %d %s", row->name, (int)e.code, e.text);
    }
    if (done) {
        assert_int_equal(issued.not_before_s, certificate_pair_not_before(issued.pair));
        assert_int_equal(issued.not_after_s, certificate_pair_not_after(issued.pair));
        assert_true(issued.not_after_s > issued.not_before_s);
        assert_string_equal(certificate_pair_path(issued.pair), "certificate of " HOST);
        assert_string_equal(issued.ari_id, "");
    }
    assert_int_equal(ERR_peek_error(), 0);
    certificate_pair_unref(issued.pair);
    X509_free(leaf);
}

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        run(&ROWS[i], issued_check, ROWS[i].error);
    }
}

static void test_check_foreign(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        run(&ROWS[i], issued_check_foreign, ROWS[i].foreign_error);
    }
}

/* A signature of the right issuer that somebody changed one bit of. */
static void test_damaged_signature(void **state)
{
    (void)state;
    X509 *leaf = make_leaf("DNS:" HOST, 0, 0);
    unsigned char *der = NULL;
    int n = i2d_X509(leaf, &der);
    der[n - 1] ^= 1;
    const unsigned char *p = der;
    X509 *damaged = d2i_X509(NULL, &p, n);
    assert_non_null(damaged);
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    write_chain(FULL, damaged, &chain);
    make_add_key(&secret, keys[LEAF], MAKE_PKCS8);
    struct issued issued = {0};
    struct error e = {0};
    assert_false(
        issued_check(&(struct issued_texts){NULL, buffer_bytes(&chain), buffer_bytes(&secret)},
                     HOST, time(NULL), &issued, &e));
    assert_non_null(strstr(e.text, "certificate 1 of its chain is not signed"));
    OPENSSL_free(der);
    X509_free(damaged);
    X509_free(leaf);
}

static void test_chain_too_large(void **state)
{
    (void)state;
    X509 *leaf = make_leaf("DNS:" HOST, 0, 0);
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer der = BUFFER(MAKE_FILE_MAX);
    write_chain(FULL, leaf, &chain);
    make_add_key(&secret, keys[LEAF], MAKE_PKCS8);
    while (chain.n <= ISSUED_CHAIN_MAX) {
        buffer_add_string(&chain, "nothing of interest\n");
    }
    struct issued issued = {0};
    struct error e = {0};
    assert_false(
        issued_check(&(struct issued_texts){NULL, buffer_bytes(&chain), buffer_bytes(&secret)},
                     HOST, time(NULL), &issued, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_false(issued_has_issuer(buffer_bytes(&chain), "Root R1"));
    assert_false(issued_leaf(buffer_bytes(&chain), &der, &e));
    X509_free(leaf);
}

/* --- RFC 9773 §4.1 --- */

struct identifier_row {
    const char *name;
    struct bytes issuer_key; /* the AKI's keyIdentifier */
    struct bytes serial;     /* big-endian magnitude */
    const char *want;
};

static void identify(const struct identifier_row *row)
{
    /* Issued by itself: what it says of its issuer need not be true then. */
    X509 *leaf = make_certificate(&(struct make_recipe){.key = keys[LEAF], .sans = "DNS:" HOST});
    BIGNUM *number = BN_bin2bn((const unsigned char *)row->serial.p, (int)row->serial.n, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(leaf));
    BN_free(number);
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    authority->keyid = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(authority->keyid, (const unsigned char *)row->issuer_key.p,
                          (int)row->issuer_key.n);
    assert_int_equal(X509_add1_ext_i2d(leaf, NID_authority_key_identifier, authority, 0, 0), 1);
    AUTHORITY_KEYID_free(authority);
    assert_true(X509_sign(leaf, keys[LEAF], EVP_sha256()) > 0);

    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    make_add_certificate(&chain, leaf);
    make_add_key(&secret, keys[LEAF], MAKE_PKCS8);
    struct issued issued = {0};
    struct error e = {0};
    if (!issued_check(&(struct issued_texts){NULL, buffer_bytes(&chain), buffer_bytes(&secret)},
                      HOST, time(NULL), &issued, &e)) {
        fail_msg("%s: %s", row->name, e.text);
    }
    if (strcmp(issued.ari_id, row->want) != 0) {
        fail_msg("%s: %s", row->name, issued.ari_id);
    }
    certificate_pair_unref(issued.pair);
    X509_free(leaf);
}

#define EXAMPLE_AKI                                                                                \
    BYTES("\x69\x88\x5B\x6B\x87\x46\x40\x41\xE1\xB3\x7B\x84\x7B\xA0\xAE\x2C\xDE\x01\xC8\xD4")
#define OCTETS_20 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"

static void test_ari_id(void **state)
{
    (void)state;
    static const struct identifier_row rows[] = {
        {"the RFC's example", EXAMPLE_AKI, BYTES("\x87\x65\x43\x21"),
         "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"},
        {"no zero in front", EXAMPLE_AKI, BYTES("\x7f\x65\x43\x21"),
         "aYhba4dGQEHhs3uEe6CuLN4ByNQ.f2VDIQ"},
        {"serial 0", EXAMPLE_AKI, BYTES("\x00"), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA"},
        {"20 octets", EXAMPLE_AKI, BYTES(OCTETS_20),
         "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AQIDBAUGBwgJCgsMDQ4PEBESExQ"},
        {"an empty key identifier", BYTES(""), BYTES("\x01"), ""},
        {"a serial of 100 octets", EXAMPLE_AKI,
         BYTES(OCTETS_20 OCTETS_20 OCTETS_20 OCTETS_20 OCTETS_20), ""},
        {"a key identifier of 100 octets", BYTES(OCTETS_20 OCTETS_20 OCTETS_20 OCTETS_20 OCTETS_20),
         BYTES("\x01"), ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        identify(&rows[i]);
    }
}

/* --- A chain without its key --- */

static void test_has_issuer(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum chain chain;
        const char *issuer;
        bool want;
    } rows[] = {
        {"the leaf's", FULL, "Intermediate E5", true},
        {"the intermediate's", INTERMEDIATE_ONLY, "Root R1", true},
        {"not in the chain", LEAF_ONLY, "Root R1", false},
        {"a subject that issued nothing", FULL, "a test", false},
        {"a part of a name", FULL, "Root", false},
        {"longer than a name", FULL, "Root R1 ", false},
        {"another case", FULL, "root r1", false},
        {"nothing", FULL, "", false},
    };
    X509 *leaf = make_leaf("DNS:" HOST, 0, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
        write_chain(rows[i].chain, leaf, &chain);
        if (issued_has_issuer(buffer_bytes(&chain), rows[i].issuer) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
    X509_free(leaf);
}

static const char GARBAGE[] = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n"
                              "-----END CERTIFICATE-----\n";

static void test_has_issuer_of_what_does_not_parse(void **state)
{
    (void)state;
    assert_false(issued_has_issuer(BYTES(""), ""));
    assert_false(issued_has_issuer(BYTES("no chain"), "Root R1"));
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    make_add_certificate(&chain, intermediate);
    size_t good = chain.n;
    assert_true(issued_has_issuer(buffer_bytes(&chain), "Root R1"));
    buffer_add_string(&chain, GARBAGE);
    assert_false(issued_has_issuer(buffer_bytes(&chain), "Root R1"));
    chain.n = good;
    buffer_add(&chain, (struct bytes){chain.p, good / 2}); /* cut */
    assert_false(issued_has_issuer(buffer_bytes(&chain), "Root R1"));

    CLEANUP(buffer_clear) struct buffer many = BUFFER(MAKE_FILE_MAX);
    for (int i = 0; i < CERTIFICATE_CHAIN_MAX; i++) {
        make_add_certificate(&many, intermediate);
    }
    assert_true(issued_has_issuer(buffer_bytes(&many), "Root R1"));
    make_add_certificate(&many, intermediate);
    assert_false(issued_has_issuer(buffer_bytes(&many), "Root R1"));
}

static void test_leaf(void **state)
{
    (void)state;
    X509 *leaf = make_leaf("DNS:" HOST, 0, 0);
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer der = BUFFER(MAKE_FILE_MAX);
    struct error e = {0};
    make_add_key(&chain, keys[LEAF], MAKE_PKCS8); /* is passed over */
    write_chain(FULL, leaf, &chain);
    assert_true(issued_leaf(buffer_bytes(&chain), &der, &e));
    unsigned char *want = NULL;
    int n = i2d_X509(leaf, &want);
    assert_true(bytes_equal(buffer_bytes(&der), (struct bytes){(char *)want, (size_t)n}));
    OPENSSL_free(want);
    X509_free(leaf);

    buffer_reset(&der);
    assert_false(issued_leaf(BYTES(""), &der, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_false(issued_leaf(bytes_of(GARBAGE), &der, &e));
    assert_false(issued_leaf((struct bytes){chain.p, 300}, &der, &e)); /* cut in the leaf */
    assert_int_equal(der.n, 0);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_foreign),
        cmocka_unit_test(test_damaged_signature),
        cmocka_unit_test(test_chain_too_large),
        cmocka_unit_test(test_ari_id),
        cmocka_unit_test(test_has_issuer),
        cmocka_unit_test(test_has_issuer_of_what_does_not_parse),
        cmocka_unit_test(test_leaf),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
