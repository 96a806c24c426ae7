#include "domain_records.h"

#include "cli/workspace.h"
#include "lib/dns/name.h"
#include "policies/model/policy_id.h"
#include "policies/model/txt_record.h"

enum { TXT_MAX = 64 * 1024 }; /* an id, or the report URIs of a file */

void domain_records_begin(struct domain_records *records, const struct settings *settings,
                          const char *word)
{
    *records = (struct domain_records){.settings = settings};
    record_writer_begin(&records->writer, stdout, word);
}

void domain_records_begin_taking(struct domain_records *records, const struct settings *settings,
                                 void (*take)(const struct record *record, void *context),
                                 void *context)
{
    *records = (struct domain_records){.settings = settings, .take = take, .take_context = context};
}

void domain_records_end(struct domain_records *records)
{
    if (records->take == NULL) {
        record_writer_end(&records->writer);
    }
    name_map_clear(&records->shared_done);
    name_map_clear(&records->labels);
}

/* Where a record stands: in the domain's own zone, or in ours that tenants delegate to. */
enum zone { ZONE_OWN, ZONE_DELEGATE };

static char *name_in(const struct settings *settings, enum zone zone, const char *prefix,
                     struct bytes name)
{
    bool delegate = zone == ZONE_DELEGATE;
    return memory_printf("%s.%.*s%s%s", prefix, BYTES_ARG(name), delegate ? "." : "",
                         delegate ? settings->dns_delegate : "");
}

static bool add_record(struct domain_records *records, struct record record, enum zone zone,
                       const char *prefix, struct bytes name, struct error *e)
{
    CLEANUP_FREE char *full = name_in(records->settings, zone, prefix, name);
    record.name = bytes_of(full);
    if (record.name.n > DNS_NAME_MAX) {
        return error_set(
            e, ERROR_LIMIT,
            "%s would have %zu octets, and a DNS name at most %d; shorten dns.delegate", full,
            record.name.n, DNS_NAME_MAX);
    }
    record.ttl_s = (uint32_t)records->settings->dns_ttl_s;
    if (records->take != NULL) {
        records->take(&record, records->take_context);
    } else {
        record_writer_add(&records->writer, &record);
    }
    return true;
}

static const struct policy_file_entry *id_owner(const struct catalogue_view *view)
{
    return view->shared != NULL ? view->shared : view->entry;
}

/* The TXT record of VIEW's policy for NAME. */
static bool add_sts(struct domain_records *records, const struct catalogue_view *view,
                    struct record record, enum zone zone, struct bytes name, struct error *e)
{
    struct bytes written =
        records->id != NULL ? records->id(view, records->id_context) : id_owner(view)->id;
    struct policy_id id;
    policy_id_for_record(written, view->policy, &id);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TXT_MAX);
    txt_record_sts(bytes_of(id.text), &text);
    record.data = buffer_bytes(&text);
    return add_record(records, record, zone, "_mta-sts", name, e);
}

/* Where TLS reports go: the nearest of domain, shared policy and defaults counts. */
static bool add_tlsrpt(struct domain_records *records, const struct catalogue_view *view,
                       struct error *e)
{
    struct bytes uris = view->entry->tlsrpt;
    if (uris.n == 0 && view->shared != NULL) {
        uris = view->shared->tlsrpt;
    }
    if (uris.n == 0 && records->settings->default_tlsrpt != NULL) {
        uris = bytes_of(records->settings->default_tlsrpt);
    }
    if (uris.n == 0) {
        return true;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TXT_MAX);
    txt_record_tlsrpt(uris, &text);
    struct record record = {.domain = view->entry->name, .data = buffer_bytes(&text)};
    return add_record(records, record, ZONE_OWN, "_smtp._tls", view->entry->name, e);
}

static bool error_same_name(struct bytes name, struct error *e)
{
    return error_set(e, ERROR_CONFLICT,
                     "the domain and the shared policy %.*s would have one and the same name under "
                     "dns.delegate; give the shared policy another name",
                     BYTES_ARG(name));
}

bool domain_records_add_shared(struct domain_records *records, const struct catalogue_view *view,
                               struct error *e)
{
    if (!workspace_has_policy(view, e)) {
        return false;
    }
    struct name_map_item *done = name_map_add(&records->shared_done, view->shared->name);
    if (done->value != 0) {
        return true;
    }
    done->value = 1;
    if (name_map_find(&records->labels, view->shared->name) != NULL) {
        return error_same_name(view->shared->name, e);
    }
    struct record record = {.shared = view->shared->name};
    return add_sts(records, view, record, ZONE_DELEGATE, view->shared->name, e);
}

static bool add_delegated(struct domain_records *records, const struct catalogue_view *view,
                          struct error *e)
{
    struct bytes domain = view->entry->name;
    struct record record = {.domain = domain};
    if (memchr(domain.p, '.', domain.n) == NULL) {
        name_map_add(&records->labels, domain);
        if (name_map_find(&records->shared_done, domain) != NULL) {
            return error_same_name(domain, e);
        }
    }
    if (view->shared == NULL) {
        return add_sts(records, view, record, ZONE_DELEGATE, domain, e);
    }
    if (!domain_records_add_shared(records, view, e)) {
        return false;
    }
    CLEANUP_FREE char *target =
        name_in(records->settings, ZONE_DELEGATE, "_mta-sts", view->shared->name);
    record.type = RECORD_CNAME;
    record.data = bytes_of(target);
    return add_record(records, record, ZONE_DELEGATE, "_mta-sts", domain, e);
}

bool domain_records_add_id(struct domain_records *records, const struct catalogue_view *view,
                           struct error *e)
{
    if (!workspace_has_policy(view, e)) {
        return false;
    }
    if (records->settings->dns_delegate != NULL) {
        return add_delegated(records, view, e);
    }
    struct record record = {.domain = view->entry->name};
    return add_sts(records, view, record, ZONE_OWN, view->entry->name, e);
}

bool domain_records_add(struct domain_records *records, const struct catalogue_view *view,
                        struct error *e)
{
    /* Under a delegation `_smtp._tls` stays in the tenant's own zone: set once. */
    return domain_records_add_id(records, view, e) &&
           (records->settings->dns_delegate != NULL || add_tlsrpt(records, view, e));
}

bool domain_records_add_host(struct domain_records *records, const struct catalogue_view *view,
                             struct error *e)
{
    const struct settings *settings = records->settings;
    if (settings->dns_host == NULL) {
        return true;
    }
    struct bytes domain = view->entry->name;
    struct record record = {
        .domain = domain, .type = RECORD_CNAME, .data = bytes_of(settings->dns_host)};
    return add_record(records, record, ZONE_OWN, "mta-sts", domain, e);
}

bool domain_records_add_setup(struct domain_records *records, const struct catalogue_view *view,
                              struct error *e)
{
    struct bytes domain = view->entry->name;
    const struct settings *settings = records->settings;
    if (!domain_records_add_host(records, view, e)) {
        return false;
    }
    if (settings->dns_delegate == NULL) {
        return domain_records_add(records, view, e);
    }
    CLEANUP_FREE char *target = name_in(settings, ZONE_DELEGATE, "_mta-sts", domain);
    struct record record = {.domain = domain, .type = RECORD_CNAME, .data = bytes_of(target)};
    return add_record(records, record, ZONE_OWN, "_mta-sts", domain, e) &&
           add_tlsrpt(records, view, e);
}
