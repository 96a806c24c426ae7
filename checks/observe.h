/* Looks at one domain from outside, as senders do and more: its DNS, its policy host at each
 * address, port 25 of each MX. Blocking; several threads may look by one observer.
 *
 *     struct observer *observer;
 *     if (!observer_new(&(struct observer_options){.resolver = resolver}, &observer, e)) …
 *     CLEANUP(observation_clear) struct observation observation = {0};
 *     observer_look(observer, &domain, &observation);
 *
 * Looking never fails: what cannot be found out stands in the observation as that. */
#ifndef CHECKS_OBSERVE_H
#define CHECKS_OBSERVE_H

#include "checks/observation.h"
#include "lib/base/error.h"
#include "lib/dns/resolver.h"

enum {
    OBSERVER_CONNECT_MS = 10 * 1000,
    OBSERVER_HTTPS_MS = 15 * 1000, /* mailauth's patience; some senders have less */
    OBSERVER_SMTP_MS = 20 * 1000,  /* many servers keep strangers waiting for their greeting */
    OBSERVER_SOCKETS = 8,          /* at a time, of one domain */
    /* After that nothing more is begun: one domain with tarpits for MX must not hold up others. */
    OBSERVER_LOOK_MS = 120 * 1000,
};

struct observer_options {
    const struct dns_resolver *resolver; /* borrowed */
    const char *trust;                   /* PEM file of CAs besides the system's; NULL: none */
    bool trust_only;                     /* … instead of the system's */
    /* The names that our CAs go by in CAA records; 0: not looked at. Borrowed. */
    const char *const *caa_issuers;
    size_t caa_issuer_count;
};

struct observer;

bool observer_new(const struct observer_options *options, struct observer **ret_observer,
                  struct error *e) MUST_USE;
void observer_free(struct observer *observer);

/* RET_OBSERVATION must be zero-initialised. */
void observer_look(const struct observer *observer, const struct dns_name *domain,
                   struct observation *ret_observation);

#endif
