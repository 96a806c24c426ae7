#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/certificates/live/unreadable.h"

static void test_advice(void **state)
{
    (void)state;
    static const struct {
        const char *top;
        const char *user;
        const char *want;
    } ROWS[] = {
        {"/etc/letsencrypt/live", "mtasts-host",
         "let mtasts-host read it: chgrp -R mtasts-host /etc/letsencrypt/live "
         "/etc/letsencrypt/archive && chmod -R g+rX /etc/letsencrypt/live "
         "/etc/letsencrypt/archive, and see deploy/certbot for renewals"},
        {"/srv/certs", "10001",
         "let 10001 read it: chgrp -R 10001 /srv/certs && chmod -R g+rX /srv/certs"},
        {"/srv/olive", "x", "let x read it: chgrp -R x /srv/olive && chmod -R g+rX /srv/olive"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_FREE char *got = unreadable_advice(ROWS[i].top, ROWS[i].user);
        assert_string_equal(got, ROWS[i].want);
    }
}

static void test_what_is_listed_anew_is_forgotten(void **state)
{
    (void)state;
    static const struct {
        const char *listed;
        size_t left;
    } ROWS[] = {{"/c/ab", 3}, {"/c/a/x", 2}, {"/c/a/x", 2}, {"/d", 2}, {"/c", 0}};
    struct unreadable unreadable = {0};
    unreadable_add(&unreadable, "/c/a");
    unreadable_add(&unreadable, "/c/a/x");
    unreadable_add(&unreadable, "/c/b");
    unreadable_add(&unreadable, "/c/a"); /* once */
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        unreadable_forget(&unreadable, ROWS[i].listed);
        assert_int_equal(unreadable.count, ROWS[i].left);
    }
    unreadable_clear(&unreadable);
}

static void test_no_more_than_its_limit(void **state)
{
    (void)state;
    struct unreadable unreadable = {0};
    for (int i = 0; i < UNREADABLE_MAX + 10; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/c/%d", i);
        unreadable_add(&unreadable, path);
    }
    assert_int_equal(unreadable.count, UNREADABLE_MAX);
    unreadable_clear(&unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_what_is_listed_anew_is_forgotten),
        cmocka_unit_test(test_no_more_than_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
