#include "lib/certificates/certificate_view.h"
#include "make.h"

static const struct row {
    const char *name;
    const char *key;
    size_t bits;
    const char *sans;
    const EVP_MD *(*digest)(void); /* NULL: SHA-256 */
    enum certificate_key_kind kind;
    bool weak; /* what the view is not sure of counts */
} ROWS[] = {
    {"P-256", "P-256", 0, "DNS:a.example", NULL, CERTIFICATE_KEY_EC, false},
    {"P-384 with SHA-384", "P-384", 0, "DNS:a.example", EVP_sha384, CERTIFICATE_KEY_EC, false},
    {"P-521 with SHA-512", "P-521", 0, "DNS:a.example", EVP_sha512, CERTIFICATE_KEY_EC, false},
    {"RSA", "RSA", 2048, "DNS:a.example", NULL, CERTIFICATE_KEY_RSA, false},
    {"no extensions", "P-256", 0, NULL, NULL, CERTIFICATE_KEY_EC, false},
    {"SHA-1", "P-256", 0, "DNS:a.example", EVP_sha1, CERTIFICATE_KEY_EC, true},
    {"RSA of 1024 bits", "RSA", 1024, "DNS:a.example", NULL, CERTIFICATE_KEY_OTHER, false},
    {"another curve", "secp256k1", 0, "DNS:a.example", NULL, CERTIFICATE_KEY_OTHER, false},
    {"Ed25519", "ED25519", 0, "DNS:a.example", NULL, CERTIFICATE_KEY_OTHER, true},
};

static struct curves curves;

static int clear_curves(void **state)
{
    (void)state;
    curves_clear(&curves);
    return 0;
}

/* A certificate and its DER. */
struct sample {
    X509 *certificate;
    EVP_PKEY *key;
    unsigned char der[4096];
    size_t n;
};

static void sample_init(struct sample *sample, const struct row *row)
{
    sample->key = make_key(row->key, row->bits);
    sample->certificate = make_certificate(&(struct make_recipe){
        .key = sample->key, .sans = row->sans, .digest = row->digest ? row->digest() : NULL});
    unsigned char *end = sample->der;
    int n = i2d_X509(sample->certificate, NULL);
    assert_in_range(n, 1, sizeof(sample->der) - 8);
    sample->n = (size_t)i2d_X509(sample->certificate, &end);
}

static void sample_clear(struct sample *sample)
{
    X509_free(sample->certificate);
    EVP_PKEY_free(sample->key);
}

static void check_fields(const struct row *row, const struct sample *sample,
                         const struct certificate_view *view)
{
    if (certificate_view_key(view)->kind != row->kind) {
        fail_msg("%s: the key is of kind %d", row->name, (int)certificate_view_key(view)->kind);
    }
    if (certificate_view_is_signed_strongly(view) == row->weak) {
        fail_msg("%s: the signature is taken for %s", row->name, row->weak ? "strong" : "weak");
    }
    const X509 *want = sample->certificate;
    assert_int_equal(ASN1_STRING_cmp(certificate_view_not_before(view), X509_get0_notBefore(want)),
                     0);
    assert_int_equal(ASN1_STRING_cmp(certificate_view_not_after(view), X509_get0_notAfter(want)),
                     0);
    int extensions = sk_X509_EXTENSION_num(certificate_view_extensions(view));
    assert_int_equal(extensions, row->sans != NULL ? 1 : -1);
    X509 *full = certificate_view_full(view);
    assert_int_equal(X509_cmp(full, want), 0);
    X509_free(full);
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct sample sample;
        sample_init(&sample, &ROWS[i]);
        memcpy(sample.der + sample.n, "trailing", 8);
        struct bytes der = {(const char *)sample.der, sample.n + 8};
        struct certificate_view *view = certificate_view_take(&der, &curves);
        if (view == NULL) {
            fail_msg("%s: damaged", ROWS[i].name);
        }
        assert_true(bytes_equal(der, BYTES("trailing"))); /* and is left there */
        check_fields(&ROWS[i], &sample, view);
        assert_int_equal(ERR_peek_error(), 0);
        certificate_view_free(view);
        sample_clear(&sample);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct sample sample;
        sample_init(&sample, &ROWS[i]);
        for (size_t keep = 0; keep < sample.n; keep++) {
            char *exact = malloc(keep + (keep == 0)); /* for the sanitizer to see its end */
            assert_non_null(exact);
            memcpy(exact, sample.der, keep);
            struct bytes der = {exact, keep};
            if (certificate_view_take(&der, &curves) != NULL) {
                fail_msg("%s: accepted when cut at %zu of %zu", ROWS[i].name, keep, sample.n);
            }
            assert_int_equal(der.n, keep);
            free(exact);
        }
        sample_clear(&sample);
    }
}

/* One octet changed: the view takes it if and only if OpenSSL does, and knows no key that OpenSSL
 * does not. */
static void test_every_damage_is_seen_as_openssl_sees_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct sample sample;
        sample_init(&sample, &ROWS[i]);
        for (size_t at = 0; at < sample.n; at++) {
            sample.der[at] ^= 0x05;
            struct bytes der = {(const char *)sample.der, sample.n};
            const unsigned char *p = sample.der;
            struct certificate_view *view = certificate_view_take(&der, &curves);
            X509 *full = d2i_X509(NULL, &p, (long)sample.n);
            if ((view != NULL) != (full != NULL)) {
                fail_msg("%s: octet %zu: OpenSSL %s it", ROWS[i].name, at,
                         full ? "takes" : "refuses");
            }
            if (view != NULL && certificate_view_key(view)->kind != CERTIFICATE_KEY_OTHER &&
                X509_get0_pubkey(full) == NULL) {
                fail_msg("%s: octet %zu: OpenSSL sees no key", ROWS[i].name, at);
            }
            X509_free(full);
            certificate_view_free(view);
            sample.der[at] ^= 0x05;
        }
        sample_clear(&sample);
    }
    ERR_clear_error();
}

static void test_a_point_off_the_curve_is_no_known_key(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample, &ROWS[0]);
    const ASN1_BIT_STRING *point = X509_get0_pubkey_bitstr(sample.certificate);
    unsigned char *found = memmem(sample.der, sample.n, point->data, (size_t)point->length);
    assert_non_null(found);
    found[point->length - 1] ^= 1;
    struct bytes der = {(const char *)sample.der, sample.n};
    struct certificate_view *view = certificate_view_take(&der, &curves);
    assert_non_null(view);
    assert_int_equal(certificate_view_key(view)->kind, CERTIFICATE_KEY_OTHER);
    assert_null(certificate_view_key(view)->point);
    assert_int_equal(ERR_peek_error(), 0);
    certificate_view_free(view);
    sample_clear(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_damage_is_seen_as_openssl_sees_it),
        cmocka_unit_test(test_a_point_off_the_curve_is_no_known_key),
    };
    return cmocka_run_group_tests(tests, NULL, clear_curves);
}
