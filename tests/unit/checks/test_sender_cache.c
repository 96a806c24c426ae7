#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "checks/sender_cache.h"
#include "lib/base/file.h"
#include "lib/dns/name.h"

enum { NOW = 1795529700, HOUR_S = 3600 };

struct fixture {
    char top[64];
    char *directory; /* not there yet */
    struct sender_cache cache;
};

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->top, "/tmp/test_sender_cache.XXXXXX");
    assert_non_null(mkdtemp(f->top));
    f->directory = memory_printf("%s/a/b", f->top);
    f->cache = (struct sender_cache){.directory = f->directory, .max = 2};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *command = memory_printf("rm -rf '%s'", f->top);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
    free(f->directory);
    free(f);
    return 0;
}

static struct cached_policy make(int64_t fetched_s)
{
    struct dns_name mx;
    struct error e;
    struct cached_policy cached = {.id = "1", .fetched_s = fetched_s};
    assert_true(dns_name_normalise(BYTES("mx.example.org"), &mx, &e));
    struct policy_terms terms = {POLICY_ENFORCE, HOUR_S, &mx, 1};
    assert_true(policy_new(&terms, &cached.policy, &e));
    return cached;
}

static enum error_code keep(struct fixture *f, const char *domain, int64_t fetched_s)
{
    struct error e = {0};
    struct cached_policy cached = make(fetched_s);
    bool ok = sender_cache_keep(&f->cache, bytes_of(domain), &cached, NOW, &e);
    cached_policy_clear(&cached);
    assert_true(ok == (e.code == ERROR_NONE));
    return e.code;
}

static bool has(struct fixture *f, const char *domain)
{
    struct error e = {0};
    struct cached_policy cached;
    assert_true(sender_cache_find(&f->cache, bytes_of(domain), &cached, &e));
    bool there = cached.policy != NULL;
    cached_policy_clear(&cached);
    return there;
}

static void test_kept_and_found_by_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    assert_false(has(f, "example.org"));
    assert_int_equal(keep(f, "example.org", NOW), ERROR_NONE);
    assert_true(has(f, "example.org"));
    assert_false(has(f, "example.com"));
    CLEANUP_FREE char *path = memory_printf("%s/example.org", f->directory);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(f->directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_full(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(keep(f, "a.example", NOW - HOUR_S - 1), ERROR_NONE); /* over by now */
    assert_int_equal(keep(f, "b.example", NOW), ERROR_NONE);
    assert_int_equal(keep(f, "c.example", NOW), ERROR_NONE);
    assert_false(has(f, "a.example"));
    assert_true(has(f, "b.example") && has(f, "c.example"));
    assert_int_equal(keep(f, "d.example", NOW), ERROR_LIMIT); /* what holds is not pushed out */
    assert_true(has(f, "b.example") && has(f, "c.example") && !has(f, "d.example"));
    assert_int_equal(keep(f, "b.example", NOW - 1), ERROR_NONE); /* its own place */
}

static void test_a_file_that_is_not_ours(void **state)
{
    struct fixture *f = *state;
    struct error e = {0};
    struct cached_policy cached;
    assert_int_equal(keep(f, "a.example", NOW), ERROR_NONE);
    CLEANUP_FREE char *path = memory_printf("%s/b.example", f->directory);
    assert_true(file_replace(path, BYTES("hello"), 0600, &e));
    assert_false(sender_cache_find(&f->cache, BYTES("b.example"), &cached, &e));
    assert_non_null(strstr(e.text, "delete it"));
    assert_int_equal(keep(f, "c.example", NOW), ERROR_LIMIT); /* nor is it deleted to make room */
    assert_int_equal(keep(f, "b.example", NOW), ERROR_NONE);
    assert_true(has(f, "b.example"));
}

static void test_nothing_is_kept_without_a_directory(void **state)
{
    struct fixture *f = *state;
    f->cache.directory = NULL;
    assert_int_equal(keep(f, "a.example", NOW), ERROR_NONE);
    assert_false(has(f, "a.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_and_found_by_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_kept_without_a_directory, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
