#include "lookup.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Takes one record into what is collected. */
typedef bool (*take_record)(const ldns_rr *rr, void *set, struct error *e);

struct question {
    struct bytes name;
    ldns_rr_type type;
    const char *type_name;
    take_record take;
    void *set;
};

static ldns_rr *find_alias(const ldns_rr_list *answers, const ldns_rdf *name)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
        ldns_rr *rr = ldns_rr_list_rr(answers, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1 &&
            ldns_dname_compare(ldns_rr_owner(rr), name) == 0) {
            return rr;
        }
    }
    return NULL;
}

/* Takes the records that stand at NAME. */
static bool take_records(const struct question *question, const ldns_rr_list *answers,
                         const ldns_rdf *name, size_t *ret_count, struct error *e)
{
    size_t count = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answers, i);
        if (ldns_rr_get_type(rr) != question->type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
            ldns_dname_compare(ldns_rr_owner(rr), name) != 0) {
            continue;
        }
        if (++count > DNS_RECORDS_MAX) {
            return error_set(e, ERROR_LIMIT, "more than %d %s records; remove what is not needed",
                             DNS_RECORDS_MAX, question->type_name);
        }
        if (!question->take(rr, question->set, e)) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}

struct walk {
    ldns_rdf *name; /* where the CNAMEs have led so far; owned */
    size_t aliases;
};

/* One question asked, and the CNAMEs of its answer followed. *RET_DONE: there is no more to ask. */
static bool ask_once(const struct dns_resolver *resolver, const struct question *question,
                     struct walk *walk, bool *ret_done, struct error *e)
{
    char *text = ldns_rdf2str(walk->name);
    if (text == NULL) {
        abort(); /* out of memory */
    }
    ldns_pkt *packet = NULL;
    struct bytes name = {text, strlen(text) - 1}; /* without the last dot */
    bool ok = dns_resolver_ask(resolver, name, question->type, &packet, e);
    LDNS_FREE(text);
    if (!ok) {
        return false;
    }
    const ldns_rr_list *answers = ldns_pkt_answer(packet);
    size_t aliases_before = walk->aliases;
    size_t count = 0;
    ldns_rr *alias = NULL;
    while ((alias = find_alias(answers, walk->name)) != NULL &&
           ++walk->aliases <= DNS_ALIASES_MAX) {
        ldns_rdf_deep_free(walk->name);
        walk->name = ldns_rdf_clone(ldns_rr_rdf(alias, 0));
    }
    if (walk->aliases > DNS_ALIASES_MAX) {
        ok = error_set(e, ERROR_LIMIT, "more than %d CNAMEs in a row; shorten the chain",
                       DNS_ALIASES_MAX);
    } else {
        ok = take_records(question, answers, walk->name, &count, e);
    }
    if (ok && ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN) {
        ok = error_set(e, ERROR_NOT_FOUND, "there is no such name in the DNS; correct or add it");
    }
    /* Servers that are no resolvers leave the end of a chain out. */
    *ret_done = count != 0 || walk->aliases == aliases_before;
    ldns_pkt_free(packet);
    return ok;
}

static bool look_up(const struct dns_resolver *resolver, const struct question *question,
                    struct error *e)
{
    char text[DNS_NAME_MAX + 2];
    struct walk walk = {0};
    if (question->name.n <= DNS_NAME_MAX &&
        memchr(question->name.p, '\0', question->name.n) == NULL) {
        memcpy(text, question->name.p, question->name.n);
        text[question->name.n] = '\0';
        walk.name = question->name.n != 0 ? ldns_dname_new_frm_str(text) : NULL;
    }
    if (walk.name == NULL) {
        return error_set(e, ERROR_SYNTAX, "\"%s\" is not a DNS name; correct it",
                         dns_name_show(question->name).text);
    }
    bool done = false;
    bool ok = true;
    while (ok && !done) {
        ok = ask_once(resolver, question, &walk, &done, e);
    }
    ldns_rdf_deep_free(walk.name);
    return ok ||
           error_prefix(e, "%s of %s: ", question->type_name, dns_name_show(question->name).text);
}

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

bool dns_lookup_mx(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_mx_set *ret_set, struct error *e)
{
    struct dns_mx_set set = {0};
    struct question question = {name, LDNS_RR_TYPE_MX, "MX", take_mx, &set};
    if (!look_up(resolver, &question, e)) {
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

bool dns_lookup_txt(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_txt_set *ret_set, struct error *e)
{
    struct dns_txt_set set = {0};
    struct question question = {name, LDNS_RR_TYPE_TXT, "TXT", take_txt, &set};
    if (!look_up(resolver, &question, e)) {
        dns_txt_set_clear(&set);
        return false;
    }
    *ret_set = set;
    return true;
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

bool dns_lookup_addresses(const struct dns_resolver *resolver, struct bytes name,
                          struct dns_address_set *ret_set, struct error *e)
{
    struct dns_address_set set = {0};
    struct question ipv4 = {name, LDNS_RR_TYPE_A, "A", take_address, &set};
    struct question ipv6 = {name, LDNS_RR_TYPE_AAAA, "AAAA", take_address, &set};
    if (!look_up(resolver, &ipv4, e) || !look_up(resolver, &ipv6, e)) {
        dns_address_set_clear(&set);
        return false;
    }
    *ret_set = set;
    return true;
}

void dns_address_set_clear(struct dns_address_set *set)
{
    free(set->items);
    *set = (struct dns_address_set){0};
}

static char *owner_text(const ldns_rr *rr)
{
    char *text = ldns_rdf2str(ldns_rr_owner(rr));
    if (text == NULL) {
        abort(); /* out of memory */
    }
    char *owner = memory_string_of((struct bytes){text, strlen(text) - 1}); /* not the last dot */
    LDNS_FREE(text);
    return owner;
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
    set->owner = set->owner != NULL ? set->owner : owner_text(rr);
    return true;
}

bool dns_lookup_caa(const struct dns_resolver *resolver, struct bytes name,
                    struct dns_caa_set *ret_set, struct error *e)
{
    struct dns_caa_set set = {0};
    struct question question = {name, LDNS_RR_TYPE_CAA, "CAA", take_caa, &set};
    if (!look_up(resolver, &question, e)) {
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
