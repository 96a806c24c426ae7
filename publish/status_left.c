#include "status_left.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/parallel.h"
#include "lib/dns/lookup.h"
#include "policies/model/policy.h"
#include "publish/leaving_list.h"

enum { ATTEMPT_MS = 500, AT_ONCE = 32 };

struct look {
    const struct dns_resolver *resolver;
    struct dns_address_set ours;
    const struct leaving_item *items[STATUS_LEFT_LOOKED_AT];
    bool known[STATUS_LEFT_LOOKED_AT];
    bool here[STATUS_LEFT_LOOKED_AT];
    size_t count;
    int64_t deadline_ms;
};

static bool has_address(const struct dns_address_set *set, const char *address)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i], address) == 0) {
            return true;
        }
    }
    return false;
}

static bool share_an_address(const struct dns_address_set *a, const struct dns_address_set *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (has_address(b, a->items[i])) {
            return true;
        }
    }
    return false;
}

static void look_at(size_t number, void *own, void *context)
{
    (void)own;
    struct look *look = context;
    struct error e;
    CLEANUP(dns_address_set_clear) struct dns_address_set found = {0};
    CLEANUP_FREE char *host =
        memory_printf("%s%s", POLICY_HOST_PREFIX, look->items[number]->domain);
    bool answered = dns_lookup_addresses(look->resolver, bytes_of(host), &found, &e);
    look->known[number] = answered || e.code == ERROR_NOT_FOUND;
    look->here[number] = answered && share_an_address(&found, &look->ours);
}

static bool is_late(void *context)
{
    const struct look *look = context;
    return clock_monotonic_ms() >= look->deadline_ms;
}

static json_t *result(const struct look *look, int64_t left)
{
    json_t *here = json_array();
    size_t known = 0;
    for (size_t i = 0; i < look->count; i++) {
        known += look->known[i];
        if (look->here[i]) {
            json_array_append_new(here, json_string(look->items[i]->domain));
        }
    }
    return json_pack("{s:I,s:I,s:o}", "count", (json_int_t)left, "looked_at", (json_int_t)known,
                     "pointing_here", here);
}

static json_t *find(const struct settings *settings, const struct dns_resolver *resolver,
                    const struct leaving_list *list)
{
    struct look look = {
        .resolver = resolver,
        .deadline_ms = clock_monotonic_ms() + STATUS_LEFT_MS,
    };
    for (size_t i = 0; i < list->count && look.count < STATUS_LEFT_LOOKED_AT; i++) {
        if (list->items[i].gone_s != 0 && !list->items[i].served) {
            look.items[look.count++] = &list->items[i];
        }
    }
    struct error ignored;
    json_t *found = NULL;
    if (look.count == 0 ||
        dns_lookup_addresses(resolver, bytes_of(settings->dns_host), &look.ours, &ignored)) {
        (void)parallel_run(&(struct parallel_jobs){
            .count = look.count,
            .work = look_at,
            .abandoned = is_late,
            .context = &look,
            .threads = AT_ONCE,
        });
        found = result(&look, list->gone_count);
    }
    dns_address_set_clear(&look.ours);
    return found != NULL ? found : json_null();
}

json_t *status_left_find(const struct settings *settings)
{
    struct error ignored;
    struct dns_resolver *resolver = NULL;
    CLEANUP(leaving_list_clear) struct leaving_list list = {0};
    if (settings->dns_host == NULL || !leaving_list_ask(settings, &list, &ignored) ||
        !dns_resolver_new((const char *const *)settings->dns_resolvers.items,
                          settings->dns_resolvers.count, &resolver, &ignored)) {
        return json_null();
    }
    dns_resolver_set_attempt_ms(resolver, ATTEMPT_MS);
    json_t *found = find(settings, resolver, &list);
    dns_resolver_free(resolver);
    return found;
}
