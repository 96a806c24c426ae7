#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/thread.h"

struct look {
    int before;
    int first;
    int back;
    sigset_t blocked;
};

static int priority(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *look_around(void *context)
{
    struct look *look = context;
    look->before = priority();
    thread_come_first();
    look->first = priority();
    thread_stand_back(1);
    look->back = priority();
    pthread_sigmask(SIG_SETMASK, NULL, &look->blocked);
    return NULL;
}

static void a_thread_steps_back_alone(void **state)
{
    (void)state;
    struct look look = {0};
    pthread_t thread;
    struct error e;
    int mine = priority();
    assert_true(thread_start("test", look_around, &look, &thread, &e));
    pthread_join(thread, NULL);
    assert_int_equal(look.first, look.before);
    assert_true(look.back > look.before || look.before > 14);
    assert_int_equal(priority(), mine);
    assert_int_equal(sigismember(&look.blocked, SIGTERM), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_steps_back_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
