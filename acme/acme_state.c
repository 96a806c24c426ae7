/* The states of acme.h: no part of the client, so that the command line can say them alone. */
#include "acme/acme.h"

const char *acme_state_name(enum acme_state state)
{
    static const char *const NAMES[ACME_STATES] = {
        [ACME_STATE_VALID] = "valid",       [ACME_STATE_DUE] = "due",
        [ACME_STATE_NEW] = "new",           [ACME_STATE_ORDERING] = "ordering",
        [ACME_STATE_WAITING] = "waiting",   [ACME_STATE_FAILING] = "failing",
        [ACME_STATE_REJECTED] = "rejected", [ACME_STATE_COVERED] = "covered",
    };
    return NAMES[state];
}

enum acme_state acme_state_of_trouble(enum acme_host_trouble trouble)
{
    static const enum acme_state STATES[] = {
        [ACME_HOST_FINE] = ACME_STATE_VALID,
        [ACME_HOST_WAITS] = ACME_STATE_WAITING,
        [ACME_HOST_FAILS] = ACME_STATE_FAILING,
        [ACME_HOST_REJECTED] = ACME_STATE_REJECTED,
    };
    return STATES[trouble];
}
