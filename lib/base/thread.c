#include "thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LOWERED_BY = 5,
    SLICE_NS = 100 * 1000, /* the least that Linux takes */
};

bool thread_start(const char *name, void *(*run)(void *context), void *context,
                  pthread_t *ret_thread, struct error *e)
{
    sigset_t all;
    sigset_t before;
    char shown[THREAD_NAME_MAX + 1];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(ret_thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        errno = failed;
        return error_system(e, "cannot start the thread \"%s\"", name);
    }
    (void)snprintf(shown, sizeof(shown), "%s", name);
    pthread_setname_np(*ret_thread, shown);
    return true;
}

void thread_stand_back(int steps)
{
    id_t thread = (id_t)gettid();
    (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + steps * LOWERED_BY);
}

/* As sched_setattr(2) has it; glibc 2.36 does not. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns;
    uint64_t deadline_ns;
    uint64_t period_ns;
};

void thread_come_first(void)
{
    pid_t thread = gettid();
    struct scheduling scheduling = {
        .size = sizeof(scheduling),
        .policy = SCHED_OTHER,
        .nice = getpriority(PRIO_PROCESS, (id_t)thread),
        .runtime_ns = SLICE_NS,
    };
    (void)syscall(SYS_sched_setattr, thread, &scheduling, 0);
}
