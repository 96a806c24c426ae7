/* One question to the DNS, its CNAMEs followed, and what was met on the way. For lib/dns/lookup.h,
 * which knows the kinds of records. */
#ifndef LIB_DNS_QUESTION_H
#define LIB_DNS_QUESTION_H

#include <ldns/ldns.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/resolver.h"
#include "lib/dns/trace.h"

struct dns_question {
    struct bytes name;
    ldns_rr_type type;
    const char *type_name;
    /* Takes one record of that type that stands where the CNAMEs led. */
    bool (*take)(const ldns_rr *rr, void *set, struct error *e);
    void *set;
    struct dns_trace *trace; /* NULL: nobody wants to know */
    int64_t until_ms;        /* dns_resolver_until_ms(), of the look-up that it is part of */
};

/* Errors as lib/dns/lookup.h says. The trace is filled in either way. */
bool dns_question_ask(const struct dns_resolver *resolver, const struct dns_question *question,
                      struct error *e) MUST_USE;

#endif
