/* Threads that signals do not reach: those are for the main thread. */
#ifndef LIB_BASE_THREAD_H
#define LIB_BASE_THREAD_H

#include <pthread.h>

#include "lib/base/error.h"

enum { THREAD_NAME_MAX = 15 };

/* Starts RUN(CONTEXT) with every signal blocked. NAME (cut at THREAD_NAME_MAX octets) is what
 * debuggers and top(1) show. */
bool thread_start(const char *name, void *(*run)(void *context), void *context,
                  pthread_t *ret_thread, struct error *e) MUST_USE;

/* Lowers the calling thread's priority for good: with each of STEPS to a third of the weight of one
 * that has not, where they compete for a core. Where the system forbids it, the work is done all
 * the same. */
void thread_stand_back(int steps);

/* The calling thread is to run as soon as it wakes up, before one that computes has used up its
 * turn of some milliseconds; in return its own turns are short. Linux 6.12; without effect before.
 */
void thread_come_first(void);

#endif
