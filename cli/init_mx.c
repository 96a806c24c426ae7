#include "init_mx.h"

#include <stdio.h>

#include "lib/dns/lookup.h"
#include "policies/model/mx_pattern.h"

void init_mx_add(struct init_mx *mx, const struct dns_name *pattern)
{
    for (size_t i = 0; i < mx->count; i++) {
        if (bytes_equal(dns_name_bytes(&mx->items[i]), dns_name_bytes(pattern))) {
            return;
        }
    }
    if (mx->count == INIT_MX_MAX) {
        return;
    }
    ARRAY_GROW(mx->items, mx->count, mx->capacity);
    mx->items[mx->count++] = *pattern;
}

/* One value: hosts joined by commas. */
static bool parse_hosts(struct bytes rest, struct init_mx *ret_mx, struct error *e)
{
    while (rest.n != 0) {
        const char *comma = memchr(rest.p, ',', rest.n);
        struct bytes host = {rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n};
        struct dns_name pattern;
        if (!mx_pattern_normalise(host, &pattern, e)) {
            return error_prefix(e, "--mx %.*s: ", BYTES_ARG(host));
        }
        init_mx_add(ret_mx, &pattern);
        rest = bytes_skip(rest, host.n + 1);
    }
    return true;
}

bool init_mx_parse(const struct invocation_values *values, struct init_mx *ret_mx, struct error *e)
{
    for (size_t i = 0; i < values->count; i++) {
        if (!parse_hosts(bytes_of(values->items[i]), ret_mx, e)) {
            return false;
        }
    }
    return true;
}

static bool take_answer(struct bytes domain, const struct dns_mx_set *set, struct init_mx *ret_mx,
                        struct error *e)
{
    if (set->null_mx) {
        return error_set(e, ERROR_CONFLICT,
                         "%.*s says in DNS that it takes no mail (RFC 7505); it needs no policy",
                         BYTES_ARG(domain));
    }
    for (size_t i = 0; i < set->count; i++) {
        init_mx_add(ret_mx, &set->items[i].host);
    }
    if (set->count == 0) {
        struct dns_name name;
        if (!dns_name_normalise(domain, &name, e)) {
            return false;
        }
        fprintf(stderr, "%s has no MX records: mail goes to the domain itself.\n", name.text);
        init_mx_add(ret_mx, &name);
    }
    return true;
}

bool init_mx_look_up(struct bytes domain, const struct dns_resolver *resolver,
                     struct init_mx *ret_mx, struct error *e)
{
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    if (!dns_lookup_mx(resolver, domain, &set, e)) {
        return error_prefix(
            e, "the MX records of %.*s (--mx names them without a look-up): ", BYTES_ARG(domain));
    }
    return take_answer(domain, &set, ret_mx, e);
}

static bool is_covered(const struct policy *policy, struct bytes host)
{
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(policy, &cursor, &pattern)) {
        if (mx_pattern_covers(pattern, host)) {
            return true;
        }
    }
    return false;
}

void init_mx_join(struct init_mx *mx, const struct policy *live)
{
    struct init_mx joined = {0};
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(live, &cursor, &pattern)) {
        struct dns_name name;
        struct error ignored;
        if (mx_pattern_normalise(pattern, &name, &ignored)) {
            init_mx_add(&joined, &name);
        }
    }
    for (size_t i = 0; i < mx->count; i++) {
        if (!is_covered(live, dns_name_bytes(&mx->items[i]))) {
            fprintf(stderr, "The live policy lacks the MX host %s.\n", mx->items[i].text);
            init_mx_add(&joined, &mx->items[i]);
        }
    }
    init_mx_clear(mx);
    *mx = joined;
}

void init_mx_clear(struct init_mx *mx)
{
    free(mx->items);
    *mx = (struct init_mx){0};
}
