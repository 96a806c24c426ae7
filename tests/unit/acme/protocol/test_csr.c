#include "../../lib/certificates/make.h"
#include "acme/protocol/csr.h"

/* 253 octets: the longest name. */
#define LABEL_60 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
#define LONGEST  "mta-sts." LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".a"

static void check_san(X509_REQ *request, const char *host)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    assert_int_equal(sk_X509_EXTENSION_num(extensions), 1);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(name->type, GEN_DNS);
    struct bytes text = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                         (size_t)ASN1_STRING_length(name->d.dNSName)};
    assert_true(bytes_equal(text, bytes_of(host)));
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static EVP_PKEY *read_key(const struct buffer *pem)
{
    assert_true(bytes_starts_with(buffer_bytes(pem), BYTES("-----BEGIN PRIVATE KEY-----\n")));
    BIO *bio = BIO_new_mem_buf(pem->p, (int)pem->n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    char curve[32];
    assert_int_equal(EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL), 1);
    assert_string_equal(curve, "prime256v1");
    return key;
}

static void test_request(void **state)
{
    (void)state;
    static const char *const hosts[] = {"mta-sts.example.org", "mta-sts.xn--bcher-kva.example",
                                        LONGEST};
    assert_int_equal(strlen(LONGEST), 253);
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        CLEANUP(buffer_clear) struct buffer key_text = BUFFER(CSR_KEY_MAX);
        CLEANUP(buffer_clear) struct buffer csr = BUFFER(CSR_MAX);
        struct error e = {0};
        if (!csr_make(hosts[i], &key_text, &csr, &e)) {
            fail_msg("%s: %s", hosts[i], e.text);
        }
        assert_false(key_text.overflow || csr.overflow);
        const unsigned char *p = (const unsigned char *)csr.p;
        X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)csr.n);
        assert_non_null(request);
        assert_ptr_equal(p, csr.p + csr.n);
        assert_int_equal(X509_REQ_get_version(request), X509_REQ_VERSION_1);
        assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
        assert_int_equal(X509_REQ_get_attr_count(request), 1);
        check_san(request, hosts[i]);

        EVP_PKEY *key = read_key(&key_text);
        assert_int_equal(EVP_PKEY_eq(key, X509_REQ_get0_pubkey(request)), 1);
        assert_int_equal(X509_REQ_verify(request, key), 1);
        EVP_PKEY_free(key);
        X509_REQ_free(request);
    }
}

static void test_keys_are_fresh(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer a = BUFFER(CSR_KEY_MAX);
    CLEANUP(buffer_clear) struct buffer b = BUFFER(CSR_KEY_MAX);
    CLEANUP(buffer_clear) struct buffer csr = BUFFER(CSR_MAX);
    struct error e;
    assert_true(csr_make("mta-sts.a.example", &a, &csr, &e));
    assert_true(csr_make("mta-sts.a.example", &b, &csr, &e));
    assert_string_not_equal(a.p, b.p);
}

static void test_caps(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer key = BUFFER(100);
    CLEANUP(buffer_clear) struct buffer csr = BUFFER(100);
    struct error e;
    assert_true(csr_make("mta-sts.a.example", &key, &csr, &e));
    assert_true(key.overflow && csr.overflow);
    assert_true(key.n == 0 && csr.n == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_keys_are_fresh),
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
