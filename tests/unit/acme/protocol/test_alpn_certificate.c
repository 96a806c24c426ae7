#include <openssl/sha.h>

#include "../../lib/certificates/make.h"
#include "acme/protocol/alpn_certificate.h"
#include "lib/certificates/pair_open.h"

/* 2026-11-23T14:15:00Z */
#define NOW_S INT64_C(1795443300)
#define HOST  "mta-sts.example.org"
#define AUTHORIZATION                                                                              \
    "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static struct certificate_pair *make(const char *host, struct bytes authorization, int64_t now_s)
{
    struct certificate_pair *pair = NULL;
    struct error e = {0};
    if (!alpn_certificate_make(host, authorization, now_s, &pair, &e)) {
        fail_msg("%s", e.text);
    }
    return pair;
}

static void check_san(const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(name->type, GEN_DNS);
    assert_string_equal((const char *)ASN1_STRING_get0_data(name->d.dNSName), HOST);
    GENERAL_NAMES_free(names);
}

/* RFC 8737 §3: critical, and an OCTET STRING of 32 octets in the extension's own. */
static void check_identifier(const X509 *leaf)
{
    ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    int place = X509_get_ext_by_OBJ(leaf, id, -1);
    assert_true(place >= 0);
    assert_int_equal(X509_get_ext_by_OBJ(leaf, id, place), -1);
    ASN1_OBJECT_free(id);
    X509_EXTENSION *extension = X509_get_ext(leaf, place);
    assert_int_equal(X509_EXTENSION_get_critical(extension), 1);

    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    const unsigned char *p = ASN1_STRING_get0_data(value);
    const unsigned char *end = p + ASN1_STRING_length(value);
    ASN1_OCTET_STRING *octets = d2i_ASN1_OCTET_STRING(NULL, &p, end - p);
    assert_non_null(octets);
    assert_ptr_equal(p, end);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)AUTHORIZATION, strlen(AUTHORIZATION), digest);
    assert_int_equal(ASN1_STRING_length(octets), sizeof(digest));
    assert_memory_equal(ASN1_STRING_get0_data(octets), digest, sizeof(digest));
    ASN1_OCTET_STRING_free(octets);
}

static void test_certificate(void **state)
{
    (void)state;
    struct certificate_pair *pair = make(HOST, BYTES(AUTHORIZATION), NOW_S);
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct error e;
    assert_true(certificate_pair_open(pair, &leaf, &key, &chain, &e));
    assert_int_equal(sk_X509_num(chain), 0);
    assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
    assert_int_equal(X509_get_ext_count(leaf), 2);
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_issuer_name(leaf)), 0);
    assert_int_equal(X509_NAME_entry_count(X509_get_issuer_name(leaf)), 1);
    assert_int_equal(X509_verify(leaf, key), 1);
    assert_int_equal(X509_check_private_key(leaf, key), 1);
    check_san(leaf);
    check_identifier(leaf);
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);

    assert_false(certificate_pair_is_rsa(pair));
    assert_int_equal(certificate_pair_name_count(pair), 1);
    assert_true(bytes_equal(certificate_pair_name(pair, 0), BYTES(HOST)));
    assert_int_equal(certificate_pair_not_before(pair), NOW_S - 3600);
    assert_int_equal(certificate_pair_not_after(pair), NOW_S - 3600 + 7 * DAY);
    assert_string_equal(certificate_pair_path(pair), "tls-alpn-01 certificate of " HOST);
    certificate_pair_unref(pair);
}

static void test_longest_name(void **state)
{
    (void)state;
    char host[DNS_NAME_MAX + 1];
    memset(host, 'a', sizeof(host));
    host[60] = host[120] = host[180] = host[240] = '.';
    host[DNS_NAME_MAX] = '\0';
    struct certificate_pair *pair = make(host, BYTES(AUTHORIZATION), NOW_S);
    assert_true(bytes_equal(certificate_pair_name(pair, 0), bytes_of(host)));
    certificate_pair_unref(pair);
}

static void test_time_without_a_date(void **state)
{
    (void)state;
    struct certificate_pair *pair = NULL;
    struct error e = {0};
    assert_false(alpn_certificate_make(HOST, BYTES(AUTHORIZATION), INT64_MAX / 2, &pair, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_null(pair);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_time_without_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
