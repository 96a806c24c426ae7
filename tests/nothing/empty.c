/* A test program whose group has no test: it must count as failed (tests/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int main(void)
{
    const struct CMUnitTest none[1] = {{NULL, NULL, NULL, NULL, NULL}};
    return _cmocka_run_group_tests("none", none, 0, NULL, NULL);
}
