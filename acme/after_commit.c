#include "after_commit.h"

#include <stdlib.h>

#include "acme/client.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"

struct after {
    struct after *next;
    struct certificate_pair *new;
    struct certificate_pair *old;
    const char *fault;
    char *host; /* whose certificate was issued; NULL: nothing is to be told */
    char *ca;
    char *order;
    int64_t days;
};

static struct after *after_new(struct acme *acme)
{
    struct after *after = memory_zero(1, sizeof(*after));
    *acme->after.last = after;
    acme->after.last = &after->next;
    return after;
}

void acme_install_later(struct acme *acme, struct certificate_pair *new,
                        struct certificate_pair *old, const char *fault)
{
    struct after *after = after_new(acme);
    after->new = new;
    after->old = old;
    after->fault = fault;
}

void acme_tell_issued_later(struct acme *acme, const char *host, const char *ca, const char *order,
                            int64_t days)
{
    struct after *after = after_new(acme);
    after->host = memory_string(host);
    after->ca = memory_string(ca);
    after->order = memory_string(order);
    after->days = days;
}

void acme_do_afters(struct acme *acme)
{
    while (acme->after.first != NULL) {
        struct after *after = acme->after.first;
        acme->after.first = after->next;
        if (after->fault != NULL) {
            fault_point(after->fault);
        }
        if (after->new != NULL || after->old != NULL) {
            acme->options.install(after->new, after->old, acme->options.context);
        }
        if (after->host != NULL) {
            log_event(acme->log, LOG_LEVEL_INFO, "acme.certificate.issued",
                      LOG_TEXT("host", after->host), LOG_TEXT("ca", after->ca),
                      LOG_TEXT("order", after->order), LOG_NUMBER("days", after->days));
        }
        free(after->host);
        free(after->ca);
        free(after->order);
        free(after);
    }
    acme->after.last = &acme->after.first;
}
