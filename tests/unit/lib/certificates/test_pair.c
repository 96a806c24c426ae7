#include <openssl/core_names.h>

#include "lib/certificates/pair_open.h"
#include "lib/certificates/pair_reader.h"
#include "make.h"

enum key_name { P256, P384, P521, RSA_2048, RSA_1024, ED25519, K256, CA, KEYS };

static EVP_PKEY *keys[KEYS];
static X509 *ca;

static int make_all(void **state)
{
    (void)state;
    keys[P256] = make_key("P-256", 0);
    keys[P384] = make_key("P-384", 0);
    keys[P521] = make_key("P-521", 0);
    keys[RSA_2048] = make_key("RSA", 2048);
    keys[RSA_1024] = make_key("RSA", 1024);
    keys[ED25519] = make_key("ED25519", 0);
    keys[K256] = make_key("secp256k1", 0);
    keys[CA] = make_key("P-256", 0);
    ca = make_certificate(&(struct make_recipe){.key = keys[CA], .common_name = "a test CA"});
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        EVP_PKEY_free(keys[i]);
    }
    X509_free(ca);
    return 0;
}

/* What may be wrong with the files, beside what is in the certificate. */
enum defect {
    NONE,
    WITH_CA,   /* the issuer follows the leaf, as it should */
    KEY_FIRST, /* chain and key in one file, key first */
    OTHER_KEY, /* of the same kind */
    TWO_KEYS,
    CA_FIRST,
    NO_CERTIFICATE, /* the key alone */
    NO_KEY,
    GARBAGE_CHAIN,
    GARBAGE_DER, /* good base64, no certificate */
    GARBAGE_SECOND,
    GARBAGE_KEY,
    TRUNCATED, /* in the middle of the leaf */
    TRUNCATED_KEY,
    ELEVEN,
    OVERSIZE,
    PREFIXED, /* with the text that `openssl x509 -text` leaves before the block */
};

static const struct row {
    const char *name;
    enum key_name key;
    enum make_key_form form;
    const char *sans;
    int64_t until;
    enum defect defect;
    bool sha1;
    const char *want;  /* the names, joined by spaces */
    const char *error; /* a part of it */
    enum error_code code;
} ROWS[] = {
    {.name = "P-256, PKCS#8", .key = P256, .sans = "DNS:a.example", .want = "a.example"},
    {.name = "P-256, SEC1", .form = MAKE_TRADITIONAL, .sans = "DNS:a.example", .want = "a.example"},
    {.name = "P-384", .key = P384, .sans = "DNS:a.example", .want = "a.example"},
    {.name = "P-521", .key = P521, .sans = "DNS:a.example", .want = "a.example"},
    {.name = "RSA, PKCS#8", .key = RSA_2048, .sans = "DNS:a.example", .want = "a.example"},
    {.name = "RSA, PKCS#1",
     .key = RSA_2048,
     .form = MAKE_TRADITIONAL,
     .sans = "DNS:a.example",
     .want = "a.example"},
    {.name = "names are normalised and told once",
     .sans = "DNS:MTA-STS.A.example,DNS:mta-sts.a.example,DNS:*.B.example",
     .want = "mta-sts.a.example *.b.example"},
    {.name = "an IDN",
     .sans = "DNS:mta-sts.xn--bcher-kva.example",
     .want = "mta-sts.xn--bcher-kva.example"},
    {.name = "names that nobody can ask for are passed over",
     .sans = "DNS:a_b.example,DNS:*.*.example,DNS:f*.example,DNS:a.example,IP:192.0.2.1,"
             "email:me@a.example",
     .want = "a.example"},
    {.name = "expired", .sans = "DNS:a.example", .until = -DAY, .want = "a.example"},
    {.name = "a chain", .sans = "DNS:a.example", .defect = WITH_CA, .want = "a.example"},
    {.name = "key before certificate in one file",
     .sans = "DNS:a.example",
     .defect = KEY_FIRST,
     .want = "a.example"},
    {.name = "words before the block",
     .sans = "DNS:a.example",
     .defect = PREFIXED,
     .want = "a.example"},

    {.name = "no SAN", .error = "has no host name among its subjectAltNames", .code = ERROR_SYNTAX},
    {.name = "no DNS name",
     .sans = "IP:192.0.2.1",
     .error = "has no host name",
     .code = ERROR_SYNTAX},
    {.name = "another key",
     .sans = "DNS:a.example",
     .defect = OTHER_KEY,
     .error =
         "the private key in b/key.pem does not belong to the first certificate in a/chain.pem",
     .code = ERROR_CONFLICT},
    {.name = "another RSA key",
     .key = RSA_2048,
     .sans = "DNS:a.example",
     .defect = OTHER_KEY,
     .error = "does not belong",
     .code = ERROR_CONFLICT},
    {.name = "another curve",
     .key = P384,
     .sans = "DNS:a.example",
     .defect = OTHER_KEY,
     .error = "does not belong",
     .code = ERROR_CONFLICT},
    {.name = "CA first",
     .sans = "DNS:a.example",
     .defect = CA_FIRST,
     .error = "the server's certificate first",
     .code = ERROR_CONFLICT},
    {.name = "two keys",
     .sans = "DNS:a.example",
     .defect = TWO_KEYS,
     .error = "b/key.pem has two private keys",
     .code = ERROR_SYNTAX},
    {.name = "encrypted PKCS#8",
     .form = MAKE_PKCS8_ENCRYPTED,
     .sans = "DNS:a.example",
     .error = "b/key.pem: the private key is encrypted",
     .code = ERROR_SYNTAX},
    {.name = "encrypted SEC1",
     .form = MAKE_ENCRYPTED,
     .sans = "DNS:a.example",
     .error = "b/key.pem: the private key is encrypted",
     .code = ERROR_SYNTAX},
    {.name = "no certificate",
     .sans = "DNS:a.example",
     .defect = NO_CERTIFICATE,
     .error = "a/chain.pem has no certificate",
     .code = ERROR_SYNTAX},
    {.name = "no key",
     .sans = "DNS:a.example",
     .defect = NO_KEY,
     .error = "b/key.pem has no private key",
     .code = ERROR_SYNTAX},
    {.name = "garbage for a chain",
     .sans = "DNS:a.example",
     .defect = GARBAGE_CHAIN,
     .error = "a/chain.pem has no certificate",
     .code = ERROR_SYNTAX},
    {.name = "garbage in PEM",
     .sans = "DNS:a.example",
     .defect = GARBAGE_DER,
     .error = "the first certificate is damaged",
     .code = ERROR_SYNTAX},
    {.name = "garbage in PEM behind the leaf",
     .sans = "DNS:a.example",
     .defect = GARBAGE_SECOND,
     .error = "certificate 2 is damaged",
     .code = ERROR_SYNTAX},
    {.name = "garbage for a key",
     .sans = "DNS:a.example",
     .defect = GARBAGE_KEY,
     .error = "b/key.pem: the private key is damaged",
     .code = ERROR_SYNTAX},
    {.name = "half a chain",
     .sans = "DNS:a.example",
     .defect = TRUNCATED,
     .error = "a/chain.pem: the PEM text is damaged",
     .code = ERROR_SYNTAX},
    {.name = "half a key",
     .sans = "DNS:a.example",
     .defect = TRUNCATED_KEY,
     .error = "b/key.pem: the PEM text is damaged",
     .code = ERROR_SYNTAX},
    {.name = "eleven certificates",
     .sans = "DNS:a.example",
     .defect = ELEVEN,
     .error = "more than 10 certificates",
     .code = ERROR_LIMIT},
    {.name = "a file too large",
     .sans = "DNS:a.example",
     .defect = OVERSIZE,
     .error = "a/chain.pem is larger than",
     .code = ERROR_LIMIT},
    {.name = "RSA of 1024 bits",
     .key = RSA_1024,
     .sans = "DNS:a.example",
     .error = "weak key or signature",
     .code = ERROR_SYNTAX},
    {.name = "signed with SHA-1",
     .sans = "DNS:a.example",
     .sha1 = true,
     .defect = WITH_CA,
     .error = "weak key or signature",
     .code = ERROR_SYNTAX},
    {.name = "Ed25519",
     .key = ED25519,
     .sans = "DNS:a.example",
     .error = "b/key.pem: the private key is neither ECDSA nor RSA",
     .code = ERROR_SYNTAX},
    {.name = "a curve nobody takes",
     .key = K256,
     .sans = "DNS:a.example",
     .error = "neither RSA nor ECDSA",
     .code = ERROR_SYNTAX},
};

static const char GARBAGE[] = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n"
                              "-----END CERTIFICATE-----\n";
static const char GARBAGE_SECRET[] = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n"
                                     "-----END PRIVATE KEY-----\n";

static void write_chain(const struct row *row, X509 *leaf, struct buffer *chain)
{
    switch (row->defect) {
    case CA_FIRST:
        make_add_certificate(chain, ca);
        break;
    case KEY_FIRST:
        make_add_key(chain, keys[row->key], row->form);
        break;
    case NO_CERTIFICATE:
        make_add_key(chain, keys[row->key], row->form);
        return;
    case PREFIXED:
        buffer_add_string(chain, "Certificate:\n    Data:\n        Version: 3 (0x2)\n\n");
        break;
    case GARBAGE_CHAIN:
        buffer_add_string(chain, "not a certificate\n");
        return;
    case GARBAGE_DER:
        buffer_add_string(chain, GARBAGE);
        break;
    default:
        break;
    }
    make_add_certificate(chain, leaf);
    if (row->defect == WITH_CA) {
        make_add_certificate(chain, ca);
    } else if (row->defect == GARBAGE_SECOND) {
        buffer_add_string(chain, GARBAGE);
    } else if (row->defect == TRUNCATED) {
        chain->n /= 2;
    }
    while (row->defect == ELEVEN && chain->n < 11 * strlen(GARBAGE) * 8) {
        make_add_certificate(chain, ca);
    }
    while (row->defect == OVERSIZE && chain->n <= CERTIFICATE_FILE_MAX) {
        buffer_add_string(chain, "nothing of interest\n");
    }
}

static void write_key(const struct row *row, struct buffer *secret)
{
    if (row->defect == NO_KEY || row->defect == KEY_FIRST) { /* there already */
        return;
    }
    if (row->defect == GARBAGE_KEY) {
        buffer_add_string(secret, GARBAGE_SECRET);
        return;
    }
    EVP_PKEY *key = keys[row->key];
    EVP_PKEY *other = NULL;
    if (row->defect == OTHER_KEY) {
        other = row->key == RSA_2048 ? make_key("RSA", 2048) : make_key("P-256", 0);
        key = other;
    }
    make_add_key(secret, key, row->form);
    if (row->defect == TWO_KEYS) {
        make_add_key(secret, key, row->form);
    } else if (row->defect == TRUNCATED_KEY) {
        secret->n /= 2;
    }
    EVP_PKEY_free(other);
}

/* The pair's objects are those it was made of, and work together. */
static void check_open(const struct row *row, const struct certificate_pair *pair,
                       const X509 *want_leaf)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct error e = {0};
    if (!certificate_pair_open(pair, &leaf, &key, &chain, &e)) {
        fail_msg("%s: %s", row->name, e.text);
    }
    assert_int_equal(X509_cmp(leaf, want_leaf), 0);
    assert_int_equal(X509_check_private_key(leaf, key), 1);
    assert_int_equal(sk_X509_num(chain), row->defect == WITH_CA ? 1 : 0);

    /* A signature by the key made from numbers is good under the certificate. */
    unsigned char signature[1024];
    size_t n = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &n, (const unsigned char *)"x", 1), 1);
    EVP_MD_CTX_reset(context);
    assert_int_equal(
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(want_leaf)), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, n, (const unsigned char *)"x", 1), 1);
    EVP_MD_CTX_free(context);
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
}

static void check_pair(const struct row *row, const struct certificate_pair *pair, X509 *leaf)
{
    CLEANUP(buffer_clear) struct buffer names = BUFFER(4096);
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        buffer_printf(&names, "%s%.*s", i != 0 ? " " : "",
                      BYTES_ARG(certificate_pair_name(pair, i)));
    }
    if (strcmp(names.p, row->want) != 0) {
        fail_msg("%s: names are %s", row->name, names.p);
    }
    int64_t now = time(NULL);
    int64_t until = row->until != 0 ? row->until : DAY;
    assert_in_range(certificate_pair_not_after(pair), now + until - 60, now + until);
    int64_t from = until < 0 ? now + 2 * until : now;
    assert_in_range(certificate_pair_not_before(pair), from - 60, from);
    assert_int_equal(certificate_pair_is_rsa(pair), row->key == RSA_2048);
    assert_string_equal(certificate_pair_path(pair), "a/chain.pem");
    assert_int_equal(ERR_peek_error(), 0);
    check_open(row, pair, leaf);
}

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
        CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
        bool issued = row->defect == WITH_CA;
        X509 *leaf = make_certificate(&(struct make_recipe){
            .key = keys[row->key],
            .sans = row->sans,
            .from = row->until < 0 ? row->until * 2 : 0,
            .until = row->until,
            .issuer = issued ? ca : NULL,
            .issuer_key = issued ? keys[CA] : NULL,
            .digest = row->sha1 ? EVP_sha1() : NULL,
        });
        write_chain(row, leaf, &chain);
        write_key(row, &secret);
        struct bytes key_text = buffer_bytes(row->defect == KEY_FIRST ? &chain : &secret);
        struct certificate_pair *pair = NULL;
        struct error e = {0};
        bool done = certificate_pair_parse(buffer_bytes(&chain), "a/chain.pem", key_text,
                                           "b/key.pem", &pair, &e);
        if (done != (row->want != NULL)) {
            fail_msg("%s: %s", row->name, done ? "accepted" : e.text);
        }
        if (done) {
            check_pair(row, pair, leaf);
        } else if (e.code != row->code || strstr(e.text, row->error) == NULL ||
                   strchr(e.text, ';') == NULL) {
            fail_msg("%s: %d %s", row->name, (int)e.code, e.text);
        }
        certificate_pair_unref(pair);
        X509_free(leaf);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    X509 *leaf =
        make_certificate(&(struct make_recipe){.key = keys[RSA_2048], .sans = "DNS:a.example"});
    make_add_certificate(&chain, leaf);
    X509_free(leaf);
    unsigned char *der = NULL;
    int n = i2d_PrivateKey(keys[RSA_2048], &der); /* PKCS#1 */
    for (int keep = 0; keep < n; keep++) {
        BIO *bio = BIO_new(BIO_s_mem());
        PEM_write_bio(bio, "RSA PRIVATE KEY", "", der, keep);
        buffer_reset(&secret);
        make_add_bio(&secret, bio);
        struct certificate_pair *pair = NULL;
        struct error e = {0};
        if (certificate_pair_parse(buffer_bytes(&chain), "c", buffer_bytes(&secret), "k", &pair,
                                   &e)) {
            fail_msg("a key cut at %d octets of %d was accepted", keep, n);
        }
    }
    OPENSSL_free(der);
}

static void test_too_many_names(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer sans = BUFFER(MAKE_FILE_MAX);
    for (int i = 0; i <= CERTIFICATE_NAMES_MAX; i++) {
        buffer_printf(&sans, "%sDNS:n%d.example", i != 0 ? "," : "", i);
    }
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    X509 *leaf = make_certificate(&(struct make_recipe){.key = keys[P256], .sans = sans.p});
    make_add_certificate(&chain, leaf);
    make_add_key(&chain, keys[P256], MAKE_PKCS8);
    X509_free(leaf);
    struct certificate_pair *pair = NULL;
    struct error e = {0};
    assert_false(
        certificate_pair_parse(buffer_bytes(&chain), "c", buffer_bytes(&chain), "c", &pair, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
}

static void test_serials_differ(void **state)
{
    (void)state;
    struct certificate_pair *a = make_pair(keys[P256], "DNS:a.example", DAY);
    struct certificate_pair *b = make_pair(keys[P256], "DNS:a.example", DAY);
    assert_int_not_equal(certificate_pair_serial(a), certificate_pair_serial(b));
    assert_int_not_equal(certificate_pair_serial(a), 0);
    certificate_pair_unref(a);
    certificate_pair_unref(certificate_pair_ref(b));
    certificate_pair_unref(b);
}

/* Chain and key of a leaf for SANS that the CA issued, in one text. */
static void write_issued(const char *sans, struct bytes intermediate, struct buffer *text)
{
    X509 *leaf = make_certificate(&(struct make_recipe){
        .key = keys[P256], .sans = sans, .issuer = ca, .issuer_key = keys[CA]});
    make_add_certificate(text, leaf);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, "CERTIFICATE", "", (const unsigned char *)intermediate.p,
                  (long)intermediate.n);
    make_add_bio(text, bio);
    make_add_key(text, keys[P256], MAKE_PKCS8);
    X509_free(leaf);
}

static struct certificate_pair *read_issued(struct pair_reader *reader, const char *sans,
                                            struct bytes intermediate, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(MAKE_FILE_MAX);
    const struct file_identity identity = {1, 2, 3, 4, 5};
    struct certificate_pair *pair = NULL;
    write_issued(sans, intermediate, &text);
    const struct pair_text file = {buffer_bytes(&text), "a.pem", &identity};
    return pair_reader_read(reader, &file, &file, &pair, e) ? pair : NULL;
}

static void test_intermediates_are_shared(void **state)
{
    (void)state;
    struct error e;
    unsigned char *der = NULL;
    int n = i2d_X509(ca, &der);
    struct bytes intermediate = {(const char *)der, (size_t)n};
    struct chain_pool *pool = chain_pool_new();
    struct pair_reader *readers[] = {pair_reader_new(pool), pair_reader_new(pool)};
    struct certificate_pair *a = read_issued(readers[0], "DNS:a.example", intermediate, &e);
    struct certificate_pair *b = read_issued(readers[1], "DNS:b.example", intermediate, &e);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_equal(certificate_pair_chain(a), certificate_pair_chain(b));
    assert_true(bytes_equal(certificate_chain_der(certificate_pair_chain(a)), intermediate));
    assert_int_equal(certificate_pair_file_count(a), 1);
    assert_int_equal(certificate_pair_files(a)[0].modified_ns, 4);
    pair_reader_free(readers[0]);
    pair_reader_free(readers[1]);
    certificate_pair_unref(a);
    assert_int_equal(chain_pool_count(pool), 1);
    certificate_pair_unref(b);
    assert_int_equal(chain_pool_count(pool), 0);
    chain_pool_unref(pool);
    OPENSSL_free(der);
}

static void test_known_intermediates_are_not_looked_at(void **state)
{
    (void)state;
    struct error e = {0};
    struct chain_pool *pool = chain_pool_new();
    struct pair_reader *reader = pair_reader_new(pool);
    struct bytes no_certificate = BYTES("never checked, but the pool says so");
    assert_null(read_issued(reader, "DNS:a.example", no_certificate, &e));
    assert_non_null(strstr(e.text, "certificate 2 is damaged"));
    struct certificate_chain *known = chain_pool_add(pool, no_certificate);
    struct certificate_pair *pair = read_issued(reader, "DNS:a.example", no_certificate, &e);
    assert_non_null(pair);
    certificate_pair_unref(pair);
    certificate_chain_unref(known);
    pair_reader_free(reader);
    chain_pool_unref(pool);
}

/* What a reader makes of CHAIN with KEY where it may be quick. */
struct quick {
    struct certificate_pair *pair; /* NULL: refused */
    bool proven;
    struct error e;
};

static struct quick read_quickly(struct pair_reader *reader, const struct buffer *chain,
                                 const struct buffer *key)
{
    const struct pair_text texts[] = {{buffer_bytes(chain), "c.pem", NULL},
                                      {buffer_bytes(key), "k.pem", NULL}};
    struct quick quick = {0};
    if (!pair_reader_read_quickly(reader, &texts[0], &texts[1], &quick.pair, &quick.proven,
                                  &quick.e)) {
        quick.pair = NULL;
    }
    return quick;
}

/* KEY as PKCS#8, with one octet of the private number changed. */
static void add_damaged_key(struct buffer *text, EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    char *scalar = memmem(der, (size_t)n, "\x02\x01\x01\x04\x20", 5);
    assert_non_null(scalar);
    scalar[20] ^= 1;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, "PRIVATE KEY", "", der, n);
    make_add_bio(text, bio);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

/* SEC1 without the public key, as a few programs write it. */
static void add_key_alone(struct buffer *text, EVP_PKEY *key)
{
    EVP_PKEY *copy = EVP_PKEY_dup(key);
    unsigned char *der = NULL;
    assert_int_equal(EVP_PKEY_set_int_param(copy, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0), 1);
    int n = i2d_PrivateKey(copy, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, "EC PRIVATE KEY", "", der, n);
    make_add_bio(text, bio);
    OPENSSL_free(der);
    EVP_PKEY_free(copy);
}

/* A mix-up of files is seen at once; a damaged number, and nothing else, by the proof alone. */
static void test_a_proof_may_come_later(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool read;
        bool proven;
        bool good;
    } QUICK_ROWS[] = {
        {"as it is", true, false, true},    {"in SEC1", true, false, true},
        {"damaged", true, false, false},    {"without the public key", true, true, true},
        {"another's", false, false, false},
    };
    struct chain_pool *pool = chain_pool_new();
    struct pair_reader *reader = pair_reader_new(pool);
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    X509 *leaf =
        make_certificate(&(struct make_recipe){.key = keys[P256], .sans = "DNS:a.example"});
    make_add_certificate(&chain, leaf);
    for (size_t i = 0; i < ARRAY_LENGTH(QUICK_ROWS); i++) {
        CLEANUP(buffer_clear) struct buffer key = BUFFER(MAKE_FILE_MAX);
        switch (i) {
        case 0:
            make_add_key(&key, keys[P256], MAKE_PKCS8);
            break;
        case 1:
            make_add_key(&key, keys[P256], MAKE_TRADITIONAL);
            break;
        case 2:
            add_damaged_key(&key, keys[P256]);
            break;
        case 3:
            add_key_alone(&key, keys[P256]);
            break;
        default:
            make_add_key(&key, keys[CA], MAKE_PKCS8);
        }
        struct quick quick = read_quickly(reader, &chain, &key);
        bool good = quick.pair != NULL && pair_reader_prove(reader, quick.pair);
        if ((quick.pair != NULL) != QUICK_ROWS[i].read || quick.proven != QUICK_ROWS[i].proven ||
            good != QUICK_ROWS[i].good) {
            fail_msg("%s: %s, %s, %s", QUICK_ROWS[i].name, quick.pair ? "read" : quick.e.text,
                     quick.proven ? "proven" : "not proven", good ? "good" : "bad");
        }
        assert_int_equal(quick.e.code, QUICK_ROWS[i].read ? ERROR_NONE : ERROR_CONFLICT);
        certificate_pair_unref(quick.pair);
    }
    X509_free(leaf);
    pair_reader_free(reader);
    chain_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_serials_differ),
        cmocka_unit_test(test_intermediates_are_shared),
        cmocka_unit_test(test_known_intermediates_are_not_looked_at),
        cmocka_unit_test(test_a_proof_may_come_later),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
