/* What keeps a host from its next certificate. The numbers are stored. */
#ifndef ACME_MACHINE_TROUBLE_H
#define ACME_MACHINE_TROUBLE_H

enum acme_host_trouble {
    ACME_HOST_FINE,
    ACME_HOST_WAITS,    /* does not reach us yet (DNS, CAA, self-fetch): costs the CA nothing */
    ACME_HOST_FAILS,    /* an order failed */
    ACME_HOST_REJECTED, /* the CA refuses this name for good */
};

#endif
