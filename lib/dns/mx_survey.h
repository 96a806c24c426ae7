/* The MX records of many domains, a bounded number of look-ups at a time. */
#ifndef LIB_DNS_MX_SURVEY_H
#define LIB_DNS_MX_SURVEY_H

#include "lib/base/error.h"
#include "lib/dns/lookup.h"
#include "lib/dns/name.h"

enum { MX_SURVEY_AT_ONCE = 32 };

struct mx_survey {
    const struct dns_resolver *resolver;
    size_t count;
    /* The normalised domain of NUMBER; any thread. */
    struct bytes (*domain)(size_t number, void *context);
    /* In order, on the caller's thread. MX: its hosts, the domain itself where there is no MX
     * record (RFC 5321 §5.1); none where it says that it takes no mail (RFC 7505). MX is NULL where
     * they are not known, and E says why. Both are valid during the call. */
    void (*take)(size_t number, const struct dns_mx_set *mx, const struct error *e, void *context);
    void *context;
};

void mx_survey_run(const struct mx_survey *survey);

/* The same of one domain. *RET_MX is to be cleared. */
bool mx_survey_one(const struct dns_resolver *resolver, struct bytes domain,
                   struct dns_mx_set *ret_mx, struct error *e) MUST_USE;

#endif
