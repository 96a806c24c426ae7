#include "make.h"
#include "usual_leaf_agrees.h"

static const struct row {
    const char *name;
    const char *key;
    const char *sans;
    const EVP_MD *(*digest)(void); /* NULL: SHA-256 */
    int64_t until;
    const char *common_name;
    bool usual;
} ROWS[] = {
    {.name = "P-256", .key = "P-256", .sans = "DNS:a.example", .usual = true},
    {.name = "P-384", .key = "P-384", .sans = "DNS:a.example", .digest = EVP_sha384, .usual = true},
    {.name = "P-521", .key = "P-521", .sans = "DNS:a.example", .digest = EVP_sha512, .usual = true},
    {.name = "several names, one twice, one that cannot be asked for",
     .key = "P-256",
     .sans = "DNS:A.example,DNS:a.example,DNS:*.b.example,DNS:_c.example",
     .usual = true},
    {.name = "until after 2050",
     .key = "P-256",
     .sans = "DNS:a.example",
     .until = 60LL * 366 * DAY,
     .usual = true},
    {.name = "RSA", .key = "RSA", .sans = "DNS:a.example"},
    {.name = "another curve", .key = "secp256k1", .sans = "DNS:a.example"},
    {.name = "SHA-1", .key = "P-256", .sans = "DNS:a.example", .digest = EVP_sha1},
    {.name = "no names", .key = "P-256"},
    {.name = "an address among the names", .key = "P-256", .sans = "DNS:a.example,IP:192.0.2.1"},
    {.name = "a name that is not ASCII",
     .key = "P-256",
     .sans = "DNS:a.example",
     .common_name = "M\303\274nchen"},
};

static struct curves curves;

static int clear_curves(void **state)
{
    (void)state;
    curves_clear(&curves);
    return 0;
}

struct sample {
    unsigned char der[4096];
    size_t n;
};

static struct sample make_sample(const struct row *row)
{
    struct sample sample = {0};
    EVP_PKEY *key = make_key(row->key, 2048);
    X509 *certificate =
        make_certificate(&(struct make_recipe){.key = key,
                                               .sans = row->sans,
                                               .until = row->until,
                                               .common_name = row->common_name,
                                               .digest = row->digest ? row->digest() : NULL});
    unsigned char *end = sample.der;
    int n = i2d_X509(certificate, NULL);
    assert_in_range(n, 1, sizeof(sample.der) - 8);
    sample.n = (size_t)i2d_X509(certificate, &end);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return sample;
}

/* Whether it is of the usual form. */
static bool check(const char *name, const char *what, size_t at, struct bytes der)
{
    bool usual = false;
    const char *wrong = usual_leaf_agrees(der, &curves, &usual);
    if (wrong != NULL) {
        fail_msg("%s, %s %zu: to OpenSSL %s", name, what, at, wrong);
    }
    return usual;
}

static void test_what_is_usual(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct sample sample = make_sample(&ROWS[i]);
        struct bytes der = {(const char *)sample.der, sample.n};
        if (check(ROWS[i].name, "row", i, der) != ROWS[i].usual) {
            fail_msg("%s: taken for %s", ROWS[i].name, ROWS[i].usual ? "unusual" : "usual");
        }
        der.n++;
        assert_false(check(ROWS[i].name, "an octet more", 0, der));
    }
}

static void test_every_truncation_is_unusual(void **state)
{
    (void)state;
    struct sample sample = make_sample(&ROWS[0]);
    for (size_t keep = 0; keep < sample.n; keep++) {
        char *exact = malloc(keep + (keep == 0)); /* for the sanitizer to see its end */
        assert_non_null(exact);
        memcpy(exact, sample.der, keep);
        assert_false(check(ROWS[0].name, "cut at", keep, (struct bytes){exact, keep}));
        free(exact);
    }
}

/* Whatever one octet becomes, the walk takes nothing that OpenSSL does not take, and sees nothing
 * else in it. */
static void test_every_damage_is_seen_as_openssl_sees_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct sample sample = make_sample(&ROWS[i]);
        struct bytes der = {(const char *)sample.der, sample.n};
        for (size_t at = 0; at < sample.n; at++) {
            unsigned char kept = sample.der[at];
            for (unsigned change = 1; change < 256; change += i == 0 ? 1 : 51) {
                sample.der[at] = (unsigned char)(kept ^ change);
                (void)check(ROWS[i].name, "octet", at, der);
            }
            sample.der[at] = kept;
        }
    }
    ERR_clear_error();
}

/* The 30th of February, the 24th hour, the 60th second: OpenSSL knows no such time. */
static void test_times_that_are_none(void **state)
{
    (void)state;
    static const char *const TIMES[] = {"260230000000Z", "260101240000Z", "260101000060Z",
                                        "261301000000Z", "260001000000Z", "260100000000Z",
                                        "2601010000000", "26010100000aZ"};
    struct sample sample = make_sample(&ROWS[0]);
    unsigned char *time = memmem(sample.der, sample.n, "\x17\x0d", 2);
    assert_non_null(time);
    for (size_t i = 0; i < ARRAY_LENGTH(TIMES); i++) {
        memcpy(time + 2, TIMES[i], 13);
        assert_false(check(TIMES[i], "row", i, (struct bytes){(const char *)sample.der, sample.n}));
    }
    memcpy(time + 2, "280229235959Z", 13);
    assert_true(check("a leap day", "row", 0, (struct bytes){(const char *)sample.der, sample.n}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_usual),
        cmocka_unit_test(test_every_truncation_is_unusual),
        cmocka_unit_test(test_every_damage_is_seen_as_openssl_sees_it),
        cmocka_unit_test(test_times_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, clear_curves);
}
