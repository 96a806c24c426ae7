/* A test program whose only test is skipped: it must count as failed (tests/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is_skipped(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_skipped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
