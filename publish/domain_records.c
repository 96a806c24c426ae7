#include "domain_records.h"

#include "lib/dns/name.h"
#include "policies/model/policy_id.h"
#include "policies/model/txt_record.h"
#include "publish/workspace.h"

enum { TXT_MAX = 64 * 1024 }; /* an id, or the report URIs of a file */

/* What is at work: one domain's records. */
struct making {
    struct domain_records *records;
    const struct catalogue_view *view;
    struct bytes written;
    struct record_set *set;
    struct error *e;
};

void record_set_clear(struct record_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free((char *)set->items[i].name.p); /* both are made here */
        free((char *)set->items[i].data.p);
    }
    *set = (struct record_set){0};
}

void domain_records_clear(struct domain_records *records)
{
    name_map_clear(&records->shared_done);
    name_map_clear(&records->labels);
}

/* Where a record stands: in the domain's own zone, or in ours that tenants delegate to. */
enum zone { ZONE_OWN, ZONE_DELEGATE };

static char *name_in(const struct making *making, enum zone zone, const char *prefix,
                     struct bytes name)
{
    bool delegate = zone == ZONE_DELEGATE;
    return memory_printf("%s.%.*s%s%s", prefix, BYTES_ARG(name), delegate ? "." : "",
                         delegate ? making->records->settings->dns_delegate : "");
}

/* RECORD, whose data becomes the set's, for NAME behind PREFIX. */
static bool add(const struct making *making, struct record record, char *data, enum zone zone,
                const char *prefix, struct bytes name)
{
    CLEANUP_FREE char *owned = data;
    CLEANUP_FREE char *full = name_in(making, zone, prefix, name);
    record.name = bytes_of(full);
    if (record.name.n > DNS_NAME_MAX) {
        return error_set(
            making->e, ERROR_LIMIT,
            "%s would have %zu octets, and a DNS name at most %d; shorten dns.delegate", full,
            record.name.n, DNS_NAME_MAX);
    }
    record.ttl_s = (uint32_t)making->records->settings->dns_ttl_s;
    record.data = bytes_of(owned);
    making->set->items[making->set->count++] = record;
    (void)TAKE(owned);
    (void)TAKE(full);
    return true;
}

static bool add_cname(const struct making *making, char *target, enum zone zone, const char *prefix)
{
    struct bytes domain = making->view->entry->name;
    const struct record record = {.domain = domain, .type = RECORD_CNAME};
    return add(making, record, target, zone, prefix, domain);
}

/* The TXT record of the view's policy. */
static bool add_sts(const struct making *making, struct record record, enum zone zone,
                    struct bytes name)
{
    struct policy_id id;
    policy_id_for_record(making->written, making->view->policy, &id);
    struct buffer text = BUFFER(TXT_MAX);
    txt_record_sts(bytes_of(id.text), &text);
    return add(making, record, buffer_take(&text), zone, "_mta-sts", name);
}

/* Where TLS reports go: the nearest of domain, shared policy and defaults counts. */
static bool add_tlsrpt(const struct making *making)
{
    const struct catalogue_view *view = making->view;
    const char *standard = making->records->settings->default_tlsrpt;
    struct bytes uris = view->entry->tlsrpt;
    if (uris.n == 0 && view->shared != NULL) {
        uris = view->shared->tlsrpt;
    }
    if (uris.n == 0 && standard != NULL) {
        uris = bytes_of(standard);
    }
    if (uris.n == 0) {
        return true;
    }
    struct buffer text = BUFFER(TXT_MAX);
    txt_record_tlsrpt(uris, &text);
    const struct record record = {.domain = view->entry->name};
    return add(making, record, buffer_take(&text), ZONE_OWN, "_smtp._tls", view->entry->name);
}

static bool error_same_name(const struct making *making, struct bytes name)
{
    return error_set(making->e, ERROR_CONFLICT,
                     "the domain and the shared policy %.*s would have one and the same name under "
                     "dns.delegate; give the shared policy another name",
                     BYTES_ARG(name));
}

static bool add_shared(const struct making *making)
{
    struct domain_records *records = making->records;
    struct bytes shared = making->view->shared->name;
    if (!workspace_has_policy(making->view, making->e)) {
        return false;
    }
    struct name_map_item *done = name_map_add(&records->shared_done, shared);
    if (done->value != 0) {
        return true;
    }
    done->value = 1;
    if (name_map_find(&records->labels, shared) != NULL) {
        return error_same_name(making, shared);
    }
    return add_sts(making, (struct record){.shared = shared}, ZONE_DELEGATE, shared);
}

static bool add_delegated(const struct making *making)
{
    const struct catalogue_view *view = making->view;
    struct domain_records *records = making->records;
    struct bytes domain = view->entry->name;
    if (memchr(domain.p, '.', domain.n) == NULL) {
        name_map_add(&records->labels, domain);
        if (name_map_find(&records->shared_done, domain) != NULL) {
            return error_same_name(making, domain);
        }
    }
    if (view->shared == NULL) {
        return add_sts(making, (struct record){.domain = domain}, ZONE_DELEGATE, domain);
    }
    return add_shared(making) &&
           add_cname(making, name_in(making, ZONE_DELEGATE, "_mta-sts", view->shared->name),
                     ZONE_DELEGATE, "_mta-sts");
}

static bool add_id(const struct making *making)
{
    struct bytes domain = making->view->entry->name;
    if (!workspace_has_policy(making->view, making->e)) {
        return false;
    }
    return making->records->settings->dns_delegate != NULL
               ? add_delegated(making)
               : add_sts(making, (struct record){.domain = domain}, ZONE_OWN, domain);
}

static bool add_domain(const struct making *making)
{
    /* Under a delegation `_smtp._tls` stays in the tenant's own zone: set once. */
    return add_id(making) &&
           (making->records->settings->dns_delegate != NULL || add_tlsrpt(making));
}

static bool add_host(const struct making *making)
{
    const char *host = making->records->settings->dns_host;
    return host == NULL || add_cname(making, memory_string(host), ZONE_OWN, "mta-sts");
}

static bool add_setup(const struct making *making)
{
    if (!add_host(making)) {
        return false;
    }
    if (making->records->settings->dns_delegate == NULL) {
        return add_domain(making);
    }
    return add_cname(making, name_in(making, ZONE_DELEGATE, "_mta-sts", making->view->entry->name),
                     ZONE_OWN, "_mta-sts") &&
           add_tlsrpt(making);
}

bool domain_records_make(struct domain_records *records, const struct catalogue_view *view,
                         enum records_of of, struct bytes written, struct record_set *ret_set,
                         struct error *e)
{
    static bool (*const kinds[])(const struct making *making) = {
        [RECORDS_OF_ID] = add_id,         [RECORDS_OF_SHARED] = add_shared,
        [RECORDS_OF_DOMAIN] = add_domain, [RECORDS_OF_HOST] = add_host,
        [RECORDS_OF_SETUP] = add_setup,
    };
    const struct making making = {records, view, written, ret_set, e};
    *ret_set = (struct record_set){0};
    return kinds[of](&making);
}
