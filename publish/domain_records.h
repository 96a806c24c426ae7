/* Which DNS records a domain needs, from its policy and the configuration.
 *
 *     struct domain_records records = {.settings = settings};
 *     CLEANUP(record_set_clear) struct record_set set = {0};
 *     domain_records_make(&records, &view, RECORDS_OF_ID, catalogue_view_id(&view), &set, &e)
 *     … set.items[0 … set.count] …
 *
 * Without `dns.delegate` all stand in the domain's own zone. With `dns.delegate: D` the tenant has
 * set `_mta-sts.TENANT CNAME _mta-sts.TENANT.D` once, and our zone D has at that name the TXT
 * record of the tenant's own policy, or a CNAME to the one TXT record `_mta-sts.NAME.D` of the
 * shared policy NAME: so an edit of a shared policy is one change for all of its tenants. */
#ifndef PUBLISH_DOMAIN_RECORDS_H
#define PUBLISH_DOMAIN_RECORDS_H

#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/name_map.h"
#include "policies/files/catalogue.h"
#include "publish/record.h"

/* What is made of one domain at a time: its texts are owned, names of domains and policies are the
 * catalogue's. */
struct record_set {
    struct record items[4];
    size_t count;
};
void record_set_clear(struct record_set *set);

enum records_of {
    RECORDS_OF_ID,     /* the id alone */
    RECORDS_OF_SHARED, /* the shared policy's TXT record under the delegation alone (once) */
    RECORDS_OF_DOMAIN, /* what we publish: the id, and outside a delegation where TLS reports go */
    RECORDS_OF_HOST,   /* where mta-sts.DOMAIN points (nothing without `dns.host`): what a
                          certificate needs first */
    RECORDS_OF_SETUP,  /* what the tenant sets once, all of it */
};

struct domain_records {
    const struct settings *settings;
    struct name_map shared_done; /* shared policies whose record was made */
    struct name_map labels;      /* domains of one label, which may be named like them */
};

/* The records OF VIEW's domain, whose policy has the id WRITTEN ("": none, it is derived). False: E
 * says why not all; those before are in RET_SET. */
bool domain_records_make(struct domain_records *records, const struct catalogue_view *view,
                         enum records_of of, struct bytes written, struct record_set *ret_set,
                         struct error *e) MUST_USE;
void domain_records_clear(struct domain_records *records);

#endif
