#include "sts_host.h"

#include <assert.h>
#include <stdio.h>

#include "policies/model/policy.h"

#define PREFIX BYTES(POLICY_HOST_PREFIX)

struct bytes sts_host_domain(struct bytes host)
{
    return bytes_starts_with(host, PREFIX) ? bytes_skip(host, PREFIX.n) : (struct bytes){0};
}

void sts_host_of(struct bytes domain, struct dns_name *ret_host)
{
    assert(domain.n + PREFIX.n <= DNS_NAME_MAX);
    ret_host->n = (unsigned char)(domain.n + PREFIX.n);
    (void)snprintf(ret_host->text, sizeof(ret_host->text), "%s%.*s", PREFIX.p, BYTES_ARG(domain));
}

bool sts_host_parse(const char *text, struct dns_name *ret_host, struct error *e)
{
    struct dns_name name;
    if (!dns_name_normalise(bytes_of(text), &name, e)) {
        return error_prefix(e, "%s: ", text);
    }
    if (sts_host_domain(dns_name_bytes(&name)).n != 0) {
        *ret_host = name;
        return true;
    }
    if (name.n + PREFIX.n > DNS_NAME_MAX) {
        return error_set(e, ERROR_LIMIT, "%s: too long for a host name behind \"%s\"", text,
                         PREFIX.p);
    }
    sts_host_of(dns_name_bytes(&name), ret_host);
    return true;
}
