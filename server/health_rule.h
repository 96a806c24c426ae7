/* Whether the process is well, and ready: pure functions of what is known of it. */
#ifndef SERVER_HEALTH_RULE_H
#define SERVER_HEALTH_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct health_facts {
    bool all_known;            /* policies and certificates are loaded */
    bool ends;                 /* a signal has come: first of all, clients are to go elsewhere */
    bool loops_turn;           /* of all threads that serve */
    size_t files_without_good; /* policy files in error that give nothing */
};

/* For a liveness probe, which restarts: only what a restart mends. A load or an end under way is
 * none. */
static inline bool health_is_alive(const struct health_facts *facts)
{
    return facts->loops_turn;
}

/* For a readiness probe and balancers. No policy of a tenant's counts: one who writes nonsense
 * would take all from all balancers. STRICT, for a probe at the start alone, counts files in error
 * that have nothing good in their place. */
static inline bool health_is_ready(const struct health_facts *facts, bool strict)
{
    return facts->all_known && !facts->ends && (!strict || facts->files_without_good == 0);
}

#endif
