/* Publishing by the operator's program. */
#include "lib/base/parallel.h"
#include "lib/dns/exchange.h"
#include "lib/dns/hook.h"
#include "lib/dns/lookup.h"
#include "lib/dns/publish_progress.h"
#include "lib/dns/zone_find.h"

struct run {
    const struct dns_publish_options *options;
    struct publish_progress progress;
    struct dns_publish_item *items;
};

/* What the zone's primary says, where it can be asked; else NULL. */
static ldns_pkt *ask_primary(const struct dns_publish_options *options, struct bytes name)
{
    struct error ignored;
    struct dns_zone zone;
    struct dns_server server;
    ldns_pkt *answer = NULL;
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    bool ok = dns_zone_find(options->resolver, name, &zone, &ignored) && zone.primary.n != 0 &&
              dns_lookup_addresses(options->resolver, dns_name_bytes(&zone.primary), &addresses,
                                   &ignored) &&
              addresses.count != 0 &&
              dns_server_parse(bytes_of(addresses.items[0]), &server, &ignored) &&
              dns_exchange(&server, name, LDNS_RR_TYPE_TXT, DNS_ATTEMPT_MS, &answer, &ignored);
    if (ok && !ldns_pkt_aa(answer)) {
        ldns_pkt_free(answer);
        return NULL;
    }
    return ok ? answer : NULL;
}

/* Takes ANSWER. An empty list where it says nothing. */
static ldns_rr_list *standing_of(ldns_pkt *answer, const ldns_rr *wanted)
{
    struct error ignored;
    ldns_rr_list *standing = NULL;
    if (answer == NULL ||
        !dns_record_standing(answer, ldns_rr_owner(wanted), false, &standing, &ignored)) {
        standing = ldns_rr_list_new();
    }
    ldns_pkt_free(answer);
    return standing;
}

static bool is_as_wanted(const struct dns_publish_item *item, const ldns_rr *wanted,
                         const ldns_rr_list *standing)
{
    /* A resolver counts the time to live down. */
    return item->may_go != NULL ? ldns_rr_list_rr_count(standing) == 0
                                : dns_record_stands(wanted, standing, false);
}

/* What is known to stand, by the resolver. Its cache may hold what stood before our own last
 * change: that all is as it is WANTED is believed of a server of the zone alone (*RET_STANDS). */
static ldns_rr_list *look(const struct dns_publish_options *options,
                          const struct dns_publish_item *item, const ldns_rr *wanted,
                          bool *ret_stands)
{
    struct bytes name = item->record.name;
    struct error ignored;
    ldns_pkt *answer = NULL;
    bool told = dns_resolver_ask(options->resolver, name, LDNS_RR_TYPE_TXT, &answer, &ignored);
    bool fresh = told && ldns_pkt_aa(answer);
    ldns_rr_list *standing = standing_of(told ? answer : NULL, wanted);
    *ret_stands = is_as_wanted(item, wanted, standing);
    if (*ret_stands && !fresh) {
        ldns_rr_list_deep_free(standing);
        answer = ask_primary(options, name);
        fresh = answer != NULL;
        standing = standing_of(answer, wanted);
        *ret_stands = fresh && is_as_wanted(item, wanted, standing);
    }
    return standing;
}

/* Up to "=" and the version's end: what tells the kinds of record at a name apart. */
static bool is_of_kind(const char *text, struct bytes wanted)
{
    const char *end = memchr(wanted.p, ';', wanted.n);
    size_t n = end != NULL ? (size_t)(end - wanted.p) : wanted.n;
    return strncmp(text, wanted.p, n) == 0 && !bytes_equal(bytes_of(text), wanted);
}

static bool clean_up(const struct run *run, const ldns_rr_list *standing, const char *fqdn,
                     struct bytes wanted, struct error *e)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(standing); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(standing, i);
        CLEANUP_FREE char *text =
            ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT ? dns_record_data(rr) : NULL;
        if (text != NULL && is_of_kind(text, wanted) &&
            !dns_hook_run(run->options->program, DNS_HOOK_CLEANUP, fqdn, text,
                          run->options->timeout_ms, e)) {
            return false;
        }
    }
    return true;
}

/* The calls that make it so. STANDING may go where ITEM is to. */
static bool call(const struct run *run, const struct dns_publish_item *item,
                 const ldns_rr_list *standing, struct error *e)
{
    const struct dns_publish_options *options = run->options;
    CLEANUP_FREE char *fqdn = memory_string_of(item->record.name);
    if (item->may_go != NULL) {
        CLEANUP_FREE char *text = dns_record_data(ldns_rr_list_rr(standing, 0));
        return dns_hook_run(options->program, DNS_HOOK_CLEANUP, fqdn, text, options->timeout_ms, e);
    }
    CLEANUP_FREE char *text = memory_string_of(item->record.data);
    return clean_up(run, standing, fqdn, item->record.data, e) &&
           dns_hook_run(options->program, DNS_HOOK_PRESENT, fqdn, text, options->timeout_ms, e);
}

/* Whether what is to be changed is a CNAME. */
static bool is_cname(const struct dns_publish_item *item, const ldns_rr_list *standing)
{
    return item->may_go != NULL
               ? ldns_rr_get_type(ldns_rr_list_rr(standing, 0)) == LDNS_RR_TYPE_CNAME
               : item->record.kind == DNS_CNAME;
}

static void change(struct run *run, struct dns_publish_item *item, const ldns_rr_list *standing)
{
    struct error e;
    if (item->may_go != NULL && !publish_may_go(item, standing)) {
        publish_decide(&run->progress, item, DNS_PUBLISH_KEPT);
    } else if (run->options->look_only) {
        publish_decide(&run->progress, item, DNS_PUBLISH_DIFFERS);
    } else if (is_cname(item, standing)) {
        publish_fail(&run->progress, item,
                     "dns.hook is called for TXT records, and this is a CNAME%s%.*s: %s it by "
                     "hand, or configure dns.update",
                     item->may_go != NULL ? "" : " to ", BYTES_ARG(item->record.data),
                     item->may_go != NULL ? "take" : "set");
    } else if (call(run, item, standing, &e)) {
        publish_decide(&run->progress, item, DNS_PUBLISHED);
    } else {
        publish_fail(&run->progress, item, "%s", e.text);
    }
}

static void publish(struct run *run, struct dns_publish_item *item, const ldns_rr *wanted)
{
    bool stands = false;
    ldns_rr_list *standing = look(run->options, item, wanted, &stands);
    if (stands) {
        publish_decide(&run->progress, item, DNS_PUBLISH_STOOD);
    } else {
        change(run, item, standing);
    }
    ldns_rr_list_deep_free(standing);
}

static void work(size_t number, void *own, void *context)
{
    (void)own;
    struct run *run = context;
    struct dns_publish_item *item = &run->items[number];
    struct error e;
    ldns_rr *wanted = NULL;
    if (!dns_record_make(&item->record, &wanted, &e)) {
        publish_fail(&run->progress, item, "%s", e.text);
        return;
    }
    publish(run, item, wanted);
    ldns_rr_free(wanted);
}

void dns_publish_hooks(const struct dns_publish_options *options, struct dns_publish_item *items,
                       size_t count)
{
    struct run run = {.options = options, .items = items};
    publish_progress_init(&run.progress, options);
    parallel_run(&(struct parallel_jobs){
        .count = count, .work = work, .context = &run, .threads = DNS_PUBLISH_HOOKS});
    publish_progress_clear(&run.progress);
}
