/* Whether what this process has in memory, private keys above all, may get into a file: the core
 * that the kernel writes when it crashes, and the one that a debugger asks for.
 *
 * Forbidden means: it is not dumpable (PR_SET_DUMPABLE in prctl(2)), so that there is no core, and
 * nobody but root may trace it or read its /proc files; the limit of a core's size is 0, for
 * kernels that are told otherwise; and the core that root takes of it, by gcore(1), leaves out what
 * no file stands behind (coredump_filter in core(5)): heap, stacks, and with them every copy of a
 * key, wherever a library has put it. Programs that it runs inherit the last two. */
#ifndef LIB_BASE_CORE_DUMP_H
#define LIB_BASE_CORE_DUMP_H

#include <stdbool.h>

/* First of all, and again after the user was changed, at which the kernel decides anew. False: it
 * may be that a core can be made all the same, errno says why. */
bool core_dump_forbid(void);

/* For debugging: a core has what the kernel puts there by default. What lies in
 * lib/base/secret_memory.h is left out all the same. */
void core_dump_allow(void);

#endif
