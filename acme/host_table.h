/* All names that have or want a certificate. */
#ifndef ACME_HOST_TABLE_H
#define ACME_HOST_TABLE_H

#include "acme/host.h"

struct hosts {
    struct rcu_table *table;
    struct schedule timed;  /* by time: renewals, tries */
    struct schedule ready;  /* to be looked at and ordered, by urgency */
    struct schedule found;  /* a look was good: to be ordered, by urgency */
    size_t ari_questions;   /* under way */
    int64_t woken_until_ms; /* those that wait are looked at again until then, spread evenly */
};

void hosts_init(struct acme *acme);
void hosts_clear(struct acme *acme);
struct host *hosts_find(const struct acme *acme, struct bytes name);
/* Made where it is missing. */
struct host *hosts_get(struct acme *acme, struct bytes name);
/* Every host of the policy index is wanted. */
void hosts_want(struct acme *acme);
/* For who leads: troubles and orders of the last run are taken up, and everything is planned. */
bool hosts_load(struct acme *acme, struct error *e) MUST_USE;
/* DOMAIN is served, or no more. */
void hosts_domain_changed(struct acme *acme, struct bytes domain, bool gone);
/* Looks soon at all names that wait because they did not reach us. */
void hosts_look_again(struct acme *acme);
void hosts_each(struct acme *acme, bool (*visit)(struct host *host, void *context), void *context);

#endif
