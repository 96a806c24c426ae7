#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/dns/tsig_key.h"

#define SECRET "3CTqB5f1eS1tNCHF6vPcbEXz5ZLwLG2UL1mwP9rQ0fo="

static void test_reads_what_the_tools_write(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name; /* NULL: refused */
        const char *algorithm;
        const char *says; /* in the error */
    } rows[] = {
        {"key \"publisher\" {\n\talgorithm hmac-sha256;\n\tsecret \"" SECRET "\";\n};\n",
         "publisher.", "hmac-sha256.", NULL},
        {"# comment\n// another; key x\n/* and { one } */key Pub.Example. {secret " SECRET
         ";algorithm HMAC-SHA512;}",
         "pub.example.", "hmac-sha512.", NULL},
        {"", NULL, NULL, "line 1: there is no key; write the file with tsig-keygen(8)"},
        {"\n\nkeys {", NULL, NULL, "line 3: it does not begin with \"key\""},
        {"key", NULL, NULL, "the key's name is missing"},
        {"key a", NULL, NULL, "\"{\" is missing"},
        {"key a {", NULL, NULL, "the key has no end"},
        {"key a { algorithm hmac-sha256 secret x; }", NULL, NULL, "\";\" is missing"},
        {"key a { algorithm hmac-sha256; }", NULL, NULL, "algorithm or secret is missing"},
        {"key a { algorithm a; algorithm b; }", NULL, NULL, "there twice"},
        {"key a { algoritm a; }", NULL, NULL, "something else than"},
        {"key a { secret ; }", NULL, NULL, "a value is missing"},
        {"key a { secret \"x\n\"; }", NULL, NULL, "a quotation mark has no other one"},
        {"/* key", NULL, NULL, "a comment has no end"},
        {"key a { algorithm hmac-md5; secret " SECRET "; };", NULL, NULL,
         "the algorithm is \"hmac-md5\"; make a new key with tsig-keygen -a hmac-sha256"},
        {"key a { algorithm hmac-sha256; secret \"!!\"; };", NULL, NULL, "is not base64"},
        {"key a { algorithm hmac-sha256; secret \"c2hvcnQ=\"; };", NULL, NULL, "is too short"},
        {"key a/b { algorithm hmac-sha256; secret " SECRET "; };", NULL, NULL,
         "has other than letters"},
        {"key a..b { algorithm hmac-sha256; secret " SECRET "; };", NULL, NULL, "is no DNS name"},
        {"key \".\" { algorithm hmac-sha256; secret " SECRET "; };", NULL, NULL, "is no DNS name"},
        {"key a { algorithm hmac-sha256; secret " SECRET "; }; key b {", NULL, NULL,
         "leave one key in the file"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e = {0};
        CLEANUP(dns_tsig_key_clear) struct dns_tsig_key key = {0};
        bool ok = dns_tsig_key_parse(bytes_of(rows[i].text), &key, &e);
        if (ok != (rows[i].name != NULL)) {
            fail_msg("%s: %s", rows[i].text, ok ? "taken" : e.text);
        }
        if (ok) {
            assert_string_equal(key.name, rows[i].name);
            assert_string_equal(key.algorithm, rows[i].algorithm);
            assert_string_equal(key.secret, SECRET);
        } else if (strstr(e.text, rows[i].says) == NULL || strstr(e.text, SECRET) != NULL) {
            fail_msg("%s: %s", rows[i].text, e.text);
        }
    }
}

static void test_says_which_file(void **state)
{
    (void)state;
    struct error e = {0};
    struct dns_tsig_key key = {0};
    assert_false(dns_tsig_key_load("/nonexistent/tsig.key", &key, &e));
    assert_non_null(strstr(e.text, "dns.update.key_file: "));
    assert_non_null(strstr(e.text, "/nonexistent/tsig.key"));
}

static void test_refuses_a_key_that_everybody_reads(void **state)
{
    (void)state;
    struct error e = {0};
    CLEANUP(dns_tsig_key_clear) struct dns_tsig_key key = {0};
    char path[] = "/tmp/test-tsig-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] =
        "key \"publisher\" { algorithm hmac-sha256; secret \"" SECRET "\"; };\n";
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_false(dns_tsig_key_load(path, &key, &e));
    assert_non_null(strstr(e.text, "chmod o-rwx"));
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_true(dns_tsig_key_load(path, &key, &e));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_the_tools_write),
        cmocka_unit_test(test_says_which_file),
        cmocka_unit_test(test_refuses_a_key_that_everybody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
