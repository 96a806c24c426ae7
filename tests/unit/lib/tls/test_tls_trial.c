/* That OpenSSL leaves to us what is ours: with a release that does not, this is what fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "lib/base/memory.h"
#include "lib/tls/tls_library.h"
#include "lib/tls/tls_trial.h"

static void test_all_parts_are_in_use(void **state)
{
    (void)state;
    struct error e = {0};
    struct tls_trial trial;
    if (!tls_trial_make(&trial, &e)) {
        fail_msg("%s", e.text);
    }
    for (int part = 0; part < TLS_PARTS; part++) {
        print_message("%s: %s\n", tls_part_name((enum tls_part)part), trial.why[part]);
        assert_true(tls_trial_uses(&trial, (enum tls_part)part));
    }
    assert_string_equal(trial.openssl, OpenSSL_version(OPENSSL_VERSION));
}

/* From OpenSSL 3.5 on. */
static void test_the_best_group_is_agreed_on(void **state)
{
    (void)state;
    struct error e = {0};
    struct tls_trial trial;
    assert_true(tls_trial_make(&trial, &e));
    bool hybrid = OPENSSL_version_major() > 3 ||
                  (OPENSSL_version_major() == 3 && OPENSSL_version_minor() >= 5);
    assert_string_equal(trial.group, hybrid ? "X25519MLKEM768" : "x25519");
    assert_int_equal(strstr(trial.groups, "X25519MLKEM768") == trial.groups, hybrid);
}

int main(void)
{
    tls_library_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parts_are_in_use),
        cmocka_unit_test(test_the_best_group_is_agreed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
