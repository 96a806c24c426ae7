/* Fault points: places where the crash tests end the process.
 *
 * Compiled in only with MTASTS_FAULTS (the debug and sanitizer presets, never a release).
 * $MTASTS_FAULT_POINT=NAME or NAME:N makes the N-th passing of that point (1 is the first) kill the
 * process with SIGKILL, as a power cut would. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef MTASTS_FAULTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
