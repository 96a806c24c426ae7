#include "after_commit.h"

#include <stdlib.h>

#include "acme/client.h"
#include "acme/issued_hook.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"

struct deed {
    struct deed *next;
    struct certificate_pair *new;
    struct certificate_pair *old;
    const char *fault;
    char *host; /* whose certificate was issued; NULL: nothing is to be told */
    char *ca;
    char *order;
    int64_t days;
};

static struct deed *deed_new(struct acme *acme)
{
    struct deed *deed = memory_zero(1, sizeof(*deed));
    *acme->after.last = deed;
    acme->after.last = &deed->next;
    return deed;
}

void acme_install_later(struct acme *acme, struct certificate_pair *new,
                        struct certificate_pair *old, const char *fault)
{
    struct deed *deed = deed_new(acme);
    deed->new = new;
    deed->old = old;
    deed->fault = fault;
}

void acme_tell_issued_later(struct acme *acme, const char *host, const char *ca, const char *order,
                            int64_t days)
{
    struct deed *deed = deed_new(acme);
    deed->host = memory_string(host);
    deed->ca = memory_string(ca);
    deed->order = memory_string(order);
    deed->days = days;
}

void acme_do_deeds(struct acme *acme)
{
    while (acme->after.first != NULL) {
        struct deed *deed = acme->after.first;
        acme->after.first = deed->next;
        if (deed->fault != NULL) {
            fault_point(deed->fault);
        }
        if (deed->new != NULL || deed->old != NULL) {
            acme->options.install(deed->new, deed->old, acme->options.context);
        }
        if (deed->host != NULL) {
            log_event(acme->log, LOG_LEVEL_INFO, "acme.certificate.issued",
                      LOG_TEXT("host", deed->host), LOG_TEXT("ca", deed->ca),
                      LOG_TEXT("order", deed->order), LOG_NUMBER("days", deed->days));
            issued_hook_run(acme, deed->host);
        }
        free(deed->host);
        free(deed->ca);
        free(deed->order);
        free(deed);
    }
    acme->after.last = &acme->after.first;
}
