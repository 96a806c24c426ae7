#include "fault.h"

#ifdef MTASTS_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The N of the variable VARIABLE where it is about NAME, else 0. */
static long wanted_passing(const char *variable, const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
    const char *wanted = getenv(variable);
    size_t n = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, n) != 0 ||
        (wanted[n] != '\0' && wanted[n] != ':')) {
        return 0;
    }
    return wanted[n] == ':' ? strtol(wanted + n + 1, NULL, 10) : 1;
}

void fault_point(const char *name)
{
    static atomic_long passed;
    long nth = wanted_passing("MTASTS_FAULT_POINT", name);
    if (nth != 0 && atomic_fetch_add(&passed, 1) + 1 == nth) {
        kill(getpid(), SIGKILL);
    }
}

void fault_stall(const char *name, bool (*goes_on)(void *context), void *context)
{
    static atomic_long passed;
    const struct timespec shortly = {.tv_nsec = 1000000};
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
    const char *file = getenv("MTASTS_STALL_FILE");
    long nth = wanted_passing("MTASTS_STALL_POINT", name);
    if (nth == 0 || file == NULL || atomic_fetch_add(&passed, 1) + 1 < nth) {
        return;
    }
    while (goes_on(context) && access(file, F_OK) == 0) {
        nanosleep(&shortly, NULL);
    }
}

#else

/* ISO C asks for something in a translation unit. */
typedef int fault_points_are_not_compiled_in;

#endif
