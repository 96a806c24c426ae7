/* A network of the test's own, so that what the machine's interfaces have decides nothing: a
 * namespace with a loopback interface, to which a test may add. */
#ifndef TESTS_UNIT_LIB_FETCH_OWN_NETWORK_H
#define TESTS_UNIT_LIB_FETCH_OWN_NETWORK_H

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Who is not root is so in a namespace of its own. */
static inline bool own_network_become_root(void)
{
    unsigned user = geteuid();
    if (user == 0) {
        return true;
    }
    FILE *map = unshare(CLONE_NEWUSER) == 0 ? fopen("/proc/self/uid_map", "w") : NULL;
    return map != NULL && fprintf(map, "0 %u 1", user) > 0 && fclose(map) == 0;
}

/* Must be called while there is one thread. False: this machine lets nobody make one. */
static inline bool own_network_enter(void)
{
    return own_network_become_root() && unshare(CLONE_NEWNET) == 0 &&
           system("ip link set lo up") == 0;
}

#endif
