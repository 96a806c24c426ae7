/* Policy hosts: mta-sts.DOMAIN (RFC 8461 §3.3), the names that certificates are for. */
#ifndef PUBLISH_CERTIFICATES_STS_HOST_H
#define PUBLISH_CERTIFICATES_STS_HOST_H

#include "lib/dns/name.h"

/* The policy host that the user means with TEXT: a domain, or the host itself as listings show
 * it. */
bool sts_host_parse(const char *text, struct dns_name *ret_host, struct error *e) MUST_USE;

/* DOMAIN is normalised, and short enough as those in policy files are. */
void sts_host_of(struct bytes domain, struct dns_name *ret_host);

/* The domain in HOST (normalised), or nothing where it is no policy host. */
struct bytes sts_host_domain(struct bytes host);

#endif
