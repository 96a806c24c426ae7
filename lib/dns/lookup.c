#include "lookup.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/dns/question.h"
#include "lib/dns/wire_name.h"

static bool add_mx(struct dns_mx_set *set, uint16_t preference, const char *host, struct error *e)
{
    if (strcmp(host, ".") == 0) {
        set->null_mx = true;
        return true;
    }
    struct dns_mx mx = {.preference = preference};
    if (!dns_name_normalise(bytes_of(host), &mx.host, e)) {
        return false;
    }
    ARRAY_GROW(set->items, set->count, set->capacity);
    set->items[set->count++] = mx;
    return true;
}

static bool take_mx(const ldns_rr *rr, void *context, struct error *e)
{
    if (ldns_rr_rd_count(rr) != 2) {
        return error_set(e, ERROR_SYNTAX, "a record that is damaged; publish it again");
    }
    char *host = ldns_rdf2str(ldns_rr_rdf(rr, 1));
    if (host == NULL) {
        abort(); /* out of memory */
    }
    bool ok = add_mx(context, ldns_rdf2native_int16(ldns_rr_rdf(rr, 0)), host, e);
    LDNS_FREE(host);
    return ok;
}

static int by_preference(const void *left, const void *right)
{
    const struct dns_mx *a = left;
    const struct dns_mx *b = right;
    int order = (a->preference > b->preference) - (a->preference < b->preference);
    return order != 0 ? order : strcmp(a->host.text, b->host.text);
}

static bool look_up_mx(const struct dns_resolver *resolver, struct bytes name,
                       struct dns_mx_set *ret_set, struct dns_trace *trace, struct error *e)
{
    struct dns_mx_set set = {0};
    struct dns_question question = {
        name, LDNS_RR_TYPE_MX, "MX", take_mx, &set, trace, dns_resolver_until_ms(resolver)};
    if (!dns_question_ask(resolver, &question, e)) {
        dns_mx_set_clear(&set);
        return false;
    }
    /* RFC 7505 §3: a null MX stands alone, or means nothing. */
    set.null_mx = set.null_mx && set.count == 0;
    if (set.count != 0) {
        qsort(set.items, set.count, sizeof(*set.items), by_preference);
    }
    *ret_set = set;
    return true;
}

bool dns_lookup_mx(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_mx_set *ret_set, struct error *e)
{
    return look_up_mx(resolver, name, ret_set, NULL, e);
}

void dns_trace_mx(const struct dns_resolver *resolver, struct bytes name,
                  struct dns_mx_set *ret_set, struct dns_trace *ret_trace)
{
    struct error e;
    (void)look_up_mx(resolver, name, ret_set, ret_trace, &e);
}

void dns_mx_set_clear(struct dns_mx_set *set)
{
    free(set->items);
    *set = (struct dns_mx_set){0};
}

static bool take_txt(const ldns_rr *rr, void *context, struct error *e)
{
    (void)e;
    struct dns_txt_set *set = context;
    size_t length = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        length += ldns_rdf_size(ldns_rr_rdf(rr, i));
    }
    char *text = memory_alloc(length + 1);
    char *end = text;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        /* Each string is an octet that counts, and so many others. */
        const ldns_rdf *string = ldns_rr_rdf(rr, i);
        size_t n = ldns_rdf_size(string);
        if (n > 1) {
            memcpy(end, ldns_rdf_data(string) + 1, n - 1);
            end += n - 1;
        }
    }
    *end = '\0';
    ARRAY_GROW(set->items, set->count, set->capacity);
    set->items[set->count++] = (struct bytes){text, (size_t)(end - text)};
    return true;
}

static bool look_up_txt(const struct dns_resolver *resolver, struct bytes name,
                        struct dns_txt_set *ret_set, struct dns_trace *trace, struct error *e)
{
    struct dns_txt_set set = {0};
    struct dns_question question = {
        name, LDNS_RR_TYPE_TXT, "TXT", take_txt, &set, trace, dns_resolver_until_ms(resolver)};
    if (!dns_question_ask(resolver, &question, e)) {
        dns_txt_set_clear(&set);
        return false;
    }
    *ret_set = set;
    return true;
}

bool dns_lookup_txt(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_txt_set *ret_set, struct error *e)
{
    return look_up_txt(resolver, name, ret_set, NULL, e);
}

void dns_trace_txt(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_txt_set *ret_set, struct dns_trace *ret_trace)
{
    struct error e;
    (void)look_up_txt(resolver, name, ret_set, ret_trace, &e);
}

void dns_txt_set_clear(struct dns_txt_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free((char *)set->items[i].p);
    }
    free(set->items);
    *set = (struct dns_txt_set){0};
}

static bool take_address(const ldns_rr *rr, void *context, struct error *e)
{
    struct dns_address_set *set = context;
    int family = ldns_rr_get_type(rr) == LDNS_RR_TYPE_A ? AF_INET : AF_INET6;
    size_t size = family == AF_INET ? 4 : 16;
    if (ldns_rr_rd_count(rr) != 1 || ldns_rdf_size(ldns_rr_rdf(rr, 0)) != size) {
        return error_set(e, ERROR_SYNTAX, "a record that is damaged; publish it again");
    }
    ARRAY_GROW(set->items, set->count, set->capacity);
    inet_ntop(family, ldns_rdf_data(ldns_rr_rdf(rr, 0)), set->items[set->count++],
              DNS_ADDRESS_SIZE);
    return true;
}

/* One of the two questions of a look-up that is to end at UNTIL_MS. */
static struct dns_question ask_family(struct bytes name, bool ipv6, int64_t until_ms,
                                      struct dns_address_set *set, struct dns_trace *trace)
{
    return (struct dns_question){.name = name,
                                 .type = ipv6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A,
                                 .type_name = ipv6 ? "AAAA" : "A",
                                 .take = take_address,
                                 .set = set,
                                 .trace = trace,
                                 .until_ms = until_ms};
}

static bool look_up_addresses(const struct dns_resolver *resolver, struct bytes name,
                              struct dns_address_set *ret_set, struct dns_trace *trace,
                              struct error *e)
{
    struct dns_address_set set = {0};
    int64_t until_ms = dns_resolver_until_ms(resolver);
    struct dns_question a = ask_family(name, false, until_ms, &set, trace);
    struct dns_question aaaa = ask_family(name, true, until_ms, &set, trace);
    if (!dns_question_ask(resolver, &a, e) || !dns_question_ask(resolver, &aaaa, e)) {
        dns_address_set_clear(&set);
        return false;
    }
    *ret_set = set;
    return true;
}

bool dns_lookup_addresses(const struct dns_resolver *resolver, struct bytes name,
                          struct dns_address_set *ret_set, struct error *e)
{
    return look_up_addresses(resolver, name, ret_set, NULL, e);
}

bool dns_lookup_addresses_traced(const struct dns_resolver *resolver, struct bytes name,
                                 struct dns_address_set *ret_set, struct dns_trace *ret_trace,
                                 struct error *e)
{
    return look_up_addresses(resolver, name, ret_set, ret_trace, e);
}

void dns_trace_addresses(const struct dns_resolver *resolver, struct bytes name,
                         struct dns_address_set *ret_set, struct dns_trace *ret_a,
                         struct dns_trace *ret_aaaa)
{
    struct error e;
    struct dns_address_set set = {0};
    int64_t until_ms = dns_resolver_until_ms(resolver);
    struct dns_question a = ask_family(name, false, until_ms, &set, ret_a);
    struct dns_question aaaa = ask_family(name, true, until_ms, &set, ret_aaaa);
    bool told = dns_question_ask(resolver, &a, &e);
    told = dns_question_ask(resolver, &aaaa, &e) && told;
    (void)told; /* by the traces */
    *ret_set = set;
}

void dns_address_set_clear(struct dns_address_set *set)
{
    free(set->items);
    *set = (struct dns_address_set){0};
}

static bool take_caa(const ldns_rr *rr, void *context, struct error *e)
{
    (void)e;
    struct dns_caa_set *set = context;
    size_t length = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        length += ldns_rdf_size(ldns_rr_rdf(rr, i));
    }
    char *octets = memory_alloc(length);
    char *end = octets;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *part = ldns_rr_rdf(rr, i);
        size_t n = ldns_rdf_size(part);
        if (n != 0) {
            memcpy(end, ldns_rdf_data(part), n);
            end += n;
        }
    }
    ARRAY_GROW(set->items, set->count, set->capacity);
    set->items[set->count++] = (struct bytes){octets, length};
    set->owner = set->owner != NULL ? set->owner : dns_wire_name_text(ldns_rr_owner(rr));
    return true;
}

bool dns_lookup_caa(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_caa_set *ret_set, struct error *e)
{
    return dns_lookup_caa_until(resolver, name, dns_resolver_until_ms(resolver), ret_set, NULL, e);
}

bool dns_lookup_caa_until(const struct dns_resolver *resolver, struct bytes name, int64_t until_ms,
                          struct dns_caa_set *ret_set, struct dns_trace *trace, struct error *e)
{
    struct dns_caa_set set = {0};
    struct dns_question question = {name, LDNS_RR_TYPE_CAA, "CAA", take_caa, &set, trace, until_ms};
    if (!dns_question_ask(resolver, &question, e)) {
        dns_caa_set_clear(&set);
        return false;
    }
    *ret_set = set;
    return true;
}

void dns_caa_set_clear(struct dns_caa_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free((char *)set->items[i].p);
    }
    free(set->items);
    free(set->owner);
    *set = (struct dns_caa_set){0};
}

static bool count_record(const ldns_rr *rr, void *context, struct error *e)
{
    (void)rr;
    (void)e;
    ++*(size_t *)context;
    return true;
}

void dns_trace_tlsa(const struct dns_resolver *resolver, struct bytes name, size_t *ret_count,
                    struct dns_trace *ret_trace)
{
    struct error e;
    size_t count = 0;
    struct dns_question question = {name,
                                    LDNS_RR_TYPE_TLSA,
                                    "TLSA",
                                    count_record,
                                    &count,
                                    ret_trace,
                                    dns_resolver_until_ms(resolver)};
    *ret_count = dns_question_ask(resolver, &question, &e) ? count : 0;
}
