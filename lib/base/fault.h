/* Fault points: places where the crash tests end the process, or hold it up.
 *
 * Compiled in only with MTASTS_FAULTS (the debug and sanitizer presets, never a release).
 * $MTASTS_FAULT_POINT=NAME or NAME:N makes the N-th passing of that point (1 is the first) kill the
 * process with SIGKILL, as a power cut would. $MTASTS_STALL_POINT, of the same form, makes every
 * passing from the N-th on wait for as long as the file $MTASTS_STALL_FILE exists: slow work that a
 * test can look at without a race. */
#ifndef LIB_BASE_FAULT_H
#define LIB_BASE_FAULT_H

#include <stdbool.h>

#ifdef MTASTS_FAULTS
void fault_point(const char *name);
/* Also ends once GOES_ON(context) is false. */
void fault_stall(const char *name, bool (*goes_on)(void *context), void *context);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
static inline void fault_stall(const char *name, bool (*goes_on)(void *context), void *context)
{
    (void)name;
    (void)goes_on;
    (void)context;
}
#endif

#endif
