#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOWERED_BY = 5 };

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

void thread_stand_back(void)
{
    id_t thread = (id_t)gettid();
    (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + LOWERED_BY);
}
