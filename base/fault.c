#include "fault.h"

#ifdef MTASTS_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fault_point(const char *name)
{
    static atomic_long passed;
    const char *wanted = getenv("MTASTS_FAULT_POINT");
    size_t n = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, n) != 0 ||
        (wanted[n] != '\0' && wanted[n] != ':')) {
        return;
    }
    long nth = wanted[n] == ':' ? strtol(wanted + n + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == nth) {
        kill(getpid(), SIGKILL);
    }
}

#else

/* ISO C asks for something in a translation unit. */
typedef int fault_points_are_not_compiled_in;

#endif
