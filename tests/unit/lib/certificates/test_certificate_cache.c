#include "lib/certificates/certificate_cache.h"
#include "lib/certificates/certificate_table.h"
#include "make.h"

static EVP_PKEY *ec;
static SSL_CTX *context;

static int make_all(void **state)
{
    (void)state;
    ec = make_key("P-256", 0);
    context = SSL_CTX_new(TLS_server_method());
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    EVP_PKEY_free(ec);
    SSL_CTX_free(context);
    return 0;
}

/* The parsed leaf that the cache puts into a connection for PAIR; each stands for itself only as
 * long as the cache keeps it. */
static X509 *used_leaf(struct certificate_cache *cache, struct certificate_pair *pair)
{
    SSL *ssl = SSL_new(context);
    struct error e = {0};
    if (!certificate_cache_use(cache, pair, ssl, &e)) {
        fail_msg("%s", e.text);
    }
    X509 *leaf = SSL_get_certificate(ssl);
    assert_non_null(leaf);
    assert_int_equal(X509_check_private_key(leaf, SSL_get_privatekey(ssl)), 1);
    assert_int_equal(X509_check_host(leaf, certificate_pair_name(pair, 0).p, 0, 0, NULL), 1);
    X509_up_ref(leaf); /* so that no other leaf comes to lie at its address */
    SSL_free(ssl);
    return leaf;
}

static const struct row {
    const char *name;
    size_t max;
    size_t pairs; /* used in turn, twice */
    bool kept;    /* the second time finds what the first left */
} ROWS[] = {
    {"no room is room for one", 0, 1, true},
    {"one", 1, 1, true},
    {"two in the room of one", 1, 2, false},
    {"as many as there is room for", 7, 7, true},
    {"a full set", 8, 8, true},
    {"over one set", 8, 9, false},
    {"several sets", 32, 32, true},
    {"several sets, twice too many", 16, 32, false},
};

static void test_keeps_up_to_max(void **state)
{
    (void)state;
    enum { MOST = 32 };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct certificate_cache *cache = certificate_cache_new(row->max, NULL);
        struct certificate_pair *pairs[MOST] = {NULL};
        X509 *first[MOST] = {NULL};
        for (size_t p = 0; p < row->pairs; p++) {
            pairs[p] = make_pair(ec, "DNS:a.example", DAY);
            first[p] = used_leaf(cache, pairs[p]);
        }
        for (size_t p = 0; p < row->pairs; p++) {
            X509 *second = used_leaf(cache, pairs[p]);
            if ((second == first[p]) != row->kept) {
                fail_msg("%s: pair %zu was %s", row->name, p, row->kept ? "lost" : "kept");
            }
            X509_free(second);
        }
        for (size_t p = 0; p < row->pairs; p++) {
            X509_free(first[p]);
            certificate_pair_unref(pairs[p]);
        }
        certificate_cache_free(cache);
    }
}

static void test_the_least_recently_used_goes(void **state)
{
    (void)state;
    struct certificate_cache *cache = certificate_cache_new(2, NULL);
    struct certificate_pair *pairs[3];
    X509 *first[3];
    for (size_t p = 0; p < 3; p++) {
        pairs[p] = make_pair(ec, "DNS:a.example", DAY);
    }
    first[0] = used_leaf(cache, pairs[0]);
    first[1] = used_leaf(cache, pairs[1]);
    X509_free(used_leaf(cache, pairs[0]));
    first[2] = used_leaf(cache, pairs[2]); /* takes the place of 1 */
    X509 *again = used_leaf(cache, pairs[0]);
    assert_ptr_equal(again, first[0]);
    X509_free(again);
    again = used_leaf(cache, pairs[1]);
    assert_ptr_not_equal(again, first[1]);
    X509_free(again);
    for (size_t p = 0; p < 3; p++) {
        X509_free(first[p]);
        certificate_pair_unref(pairs[p]);
    }
    certificate_cache_free(cache);
}

static void test_a_refusal_names_the_path(void **state)
{
    (void)state;
    struct certificate_cache *cache = certificate_cache_new(2, NULL);
    struct certificate_pair *pair = make_pair(ec, "DNS:a.example", DAY);
    SSL *ssl = SSL_new(context);
    SSL_set_security_level(ssl, 5); /* wants 256 bits */
    struct error e = {0};
    assert_false(certificate_cache_use(cache, pair, ssl, &e));
    assert_non_null(strstr(e.text, "chain.pem: OpenSSL refuses it: "));
    assert_int_equal(ERR_peek_error(), 0);
    SSL_free(ssl);
    certificate_pair_unref(pair);
    certificate_cache_free(cache);
}

static void test_forgets_what_was_withdrawn(void **state)
{
    (void)state;
    struct certificate_cache *cache = certificate_cache_new(8, NULL);
    struct certificate_table *table = certificate_table_new();
    struct certificate_pair *gone = make_pair(ec, "DNS:gone.example", DAY);
    struct certificate_pair *stays = make_pair(ec, "DNS:stays.example", DAY);
    certificate_table_add(table, gone);
    certificate_table_add(table, stays);
    X509 *first_gone = used_leaf(cache, gone);
    X509 *first_stays = used_leaf(cache, stays);
    uint64_t before = certificate_table_withdrawals(table);
    certificate_table_remove(table, gone);
    assert_true(certificate_table_withdrawals(table) != before);
    assert_true(certificate_pair_is_withdrawn(gone));
    certificate_cache_forget_withdrawn(cache);
    X509 *again_gone = used_leaf(cache, gone);
    X509 *again_stays = used_leaf(cache, stays);
    assert_ptr_not_equal(first_gone, again_gone);
    assert_ptr_equal(first_stays, again_stays);
    certificate_table_add(table, gone); /* it comes back, as after an edit that is taken back */
    assert_false(certificate_pair_is_withdrawn(gone));
    certificate_cache_forget_withdrawn(cache);
    X509 *third = used_leaf(cache, gone);
    assert_ptr_equal(again_gone, third);
    certificate_cache_forget(cache, gone);
    certificate_cache_forget(cache, gone);
    X509 *fourth = used_leaf(cache, gone);
    assert_ptr_not_equal(third, fourth);
    X509 *const leaves[] = {first_gone, first_stays, again_gone, again_stays, third, fourth};
    for (size_t i = 0; i < ARRAY_LENGTH(leaves); i++) {
        X509_free(leaves[i]);
    }
    certificate_cache_free(cache);
    certificate_table_free(table);
    certificate_pair_unref(gone);
    certificate_pair_unref(stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_up_to_max),
        cmocka_unit_test(test_the_least_recently_used_goes),
        cmocka_unit_test(test_a_refusal_names_the_path),
        cmocka_unit_test(test_forgets_what_was_withdrawn),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
