/* Updates: which zone each item lies in, and zone after zone, several at a time. */
#include "publish.h"

#include <stdatomic.h>

#include "lib/base/parallel.h"
#include "lib/dns/lookup.h"
#include "lib/dns/publish_zone.h"
#include "lib/dns/zone_find.h"

/* A name whose zone is asked for once, and the items below it. */
struct place {
    struct bytes below;
    struct dns_name apex;
    struct dns_name primary;
    bool found;
    struct error error;
};

/* Items of one zone, one after the other in the sorted list. */
struct group {
    const struct place *place;
    size_t first;
    size_t count;
};

/* An item and where it lies. */
struct located {
    struct dns_publish_item *item;
    const struct place *place;
};

struct run {
    const struct dns_publish_options *options;
    struct publish_progress progress;
    const struct dns_resolver *resolver; /* that knows of zones */
    struct located *sorted;              /* by `below`, then by zone */
    size_t count;
    struct place *places;
    size_t place_count;
    struct group *groups;
    size_t group_count;
    atomic_uint unanswered;
    atomic_uint answered;
};

static int compare_below(const void *a, const void *b)
{
    const struct located *one = a;
    const struct located *other = b;
    return bytes_compare(one->item->below, other->item->below);
}

/* --- zones --- */

static void find_zone(size_t number, void *own, void *context)
{
    (void)own;
    struct run *run = context;
    struct place *place = &run->places[number];
    struct dns_zone zone = {0};
    if (atomic_load(&run->answered) == 0 && atomic_load(&run->unanswered) >= DNS_PUBLISH_UNFOUND) {
        error_format(&place->error, ERROR_RETRY,
                     "its zone was not asked for, since no DNS server answers; try again");
        return;
    }
    place->found = dns_zone_find(run->resolver, place->below, &zone, &place->error);
    bool silent = !place->found && place->error.code == ERROR_RETRY;
    atomic_fetch_add(silent ? &run->unanswered : &run->answered, 1);
    place->apex = zone.apex;
    place->primary = zone.primary;
}

/* The configured zone is that of all. */
static void take_zone(struct run *run, struct place *place)
{
    struct bytes zone = bytes_of(run->options->zone);
    place->found = dns_name_is_under(place->below, zone);
    if (place->found) {
        place->apex.n = (unsigned char)zone.n;
        memcpy(place->apex.text, zone.p, zone.n + 1);
    } else {
        error_format(&place->error, ERROR_SYNTAX,
                     "it is not under zone %s; leave dns.update.zone out, or correct it", zone.p);
    }
}

/* The configured zone's primary is that of all. */
static void find_primary(struct run *run)
{
    struct dns_zone zone = {0};
    struct error e;
    bool found = dns_zone_find(run->resolver, bytes_of(run->options->zone), &zone, &e);
    for (size_t i = 0; i < run->place_count; i++) {
        struct place *place = &run->places[i];
        place->primary = zone.primary;
        if (place->found && !found) {
            place->error = e;
            place->found = false;
        }
    }
}

static void find_zones(struct run *run)
{
    if (run->options->zone == NULL) {
        parallel_run(&(struct parallel_jobs){.count = run->place_count,
                                             .work = find_zone,
                                             .context = run,
                                             .threads = DNS_PUBLISH_THREADS});
        return;
    }
    for (size_t i = 0; i < run->place_count; i++) {
        take_zone(run, &run->places[i]);
    }
    if (run->options->server == NULL && run->place_count != 0) {
        find_primary(run);
    }
}

static void collect_places(struct run *run)
{
    run->places = memory_zero(run->count, sizeof(*run->places));
    qsort(run->sorted, run->count, sizeof(run->sorted[0]), compare_below);
    for (size_t i = 0; i < run->count; i++) {
        struct bytes below = run->sorted[i].item->below;
        if (i == 0 || !bytes_equal(below, run->sorted[i - 1].item->below)) {
            run->places[run->place_count++].below = below;
        }
        run->sorted[i].place = &run->places[run->place_count - 1];
    }
}

/* --- servers --- */

static bool find_addresses(const struct dns_resolver *resolver, struct bytes name,
                           struct publish_zone *zone, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    if (name.n == 0) {
        return error_set(e, ERROR_NOT_FOUND,
                         "the SOA of zone %s names no primary; name a server in dns.update.server",
                         zone->apex);
    }
    if (!dns_lookup_addresses(resolver, name, &addresses, e)) {
        return error_prefix(e, "primary %.*s of zone %s: ", BYTES_ARG(name), zone->apex);
    }
    for (size_t i = 0; i < addresses.count && zone->server_count < DNS_PRIMARY_ADDRESSES; i++) {
        if (dns_server_parse(bytes_of(addresses.items[i]), &zone->servers[zone->server_count], e)) {
            zone->server_count++;
        }
    }
    return zone->server_count != 0 ||
           error_set(e, ERROR_NOT_FOUND,
                     "primary %.*s of zone %s has no address; name a server in dns.update.server",
                     BYTES_ARG(name), zone->apex);
}

static bool find_servers(const struct run *run, const struct place *place,
                         struct publish_zone *zone, struct error *e)
{
    if (run->options->server == NULL) {
        return find_addresses(run->options->resolver, dns_name_bytes(&place->primary), zone, e);
    }
    zone->server_count = 1;
    return dns_server_parse(bytes_of(run->options->server), &zone->servers[0], e);
}

/* --- the work --- */

static int compare_zone(const void *a, const void *b)
{
    const struct located *one = a;
    const struct located *other = b;
    int order = strcmp(one->place->apex.text, other->place->apex.text);
    return order != 0 ? order : bytes_compare(one->item->record.name, other->item->record.name);
}

static void collect_groups(struct run *run)
{
    qsort(run->sorted, run->count, sizeof(run->sorted[0]), compare_zone);
    run->groups = memory_zero(run->count, sizeof(*run->groups));
    for (size_t i = 0; i < run->count; i++) {
        const struct place *place = run->sorted[i].place;
        if (i == 0 || strcmp(place->apex.text, run->sorted[i - 1].place->apex.text) != 0) {
            run->groups[run->group_count++] = (struct group){.place = place, .first = i};
        }
        run->groups[run->group_count - 1].count++;
    }
}

/* What has no zone is decided, the rest goes on. */
static void drop_unfound(struct run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct place *place = run->sorted[i].place;
        if (place->found) {
            run->sorted[kept++] = run->sorted[i];
        } else {
            publish_fail(&run->progress, run->sorted[i].item, "%s", place->error.text);
        }
    }
    run->count = kept;
}

static void work_on_group(size_t number, void *own, void *context)
{
    (void)own;
    struct run *run = context;
    const struct group *group = &run->groups[number];
    struct error e;
    struct publish_zone zone = {.progress = &run->progress, .apex = group->place->apex.text};
    CLEANUP_FREE struct dns_publish_item **items =
        memory_zero(group->count, sizeof(struct dns_publish_item *));
    for (size_t i = 0; i < group->count; i++) {
        items[i] = run->sorted[group->first + i].item;
    }
    zone.items = items;
    zone.count = group->count;
    if (find_servers(run, group->place, &zone, &e)) {
        publish_zone_run(&zone);
        return;
    }
    for (size_t i = 0; i < zone.count; i++) {
        publish_fail(&run->progress, zone.items[i], "%s", e.text);
    }
}

/* The configured server knows the zones that it has; the resolver may know others by that name. */
static bool open_resolver(struct run *run, struct dns_resolver **ret_resolver, struct error *e)
{
    if (run->options->server == NULL) {
        run->resolver = run->options->resolver;
        return true;
    }
    if (!dns_resolver_new(&run->options->server, 1, ret_resolver, e)) {
        return false;
    }
    run->resolver = *ret_resolver;
    return true;
}

static void publish(struct run *run)
{
    struct dns_resolver *resolver = NULL;
    struct error e;
    if (!open_resolver(run, &resolver, &e)) {
        for (size_t i = 0; i < run->count; i++) {
            publish_fail(&run->progress, run->sorted[i].item, "dns.update.server: %s", e.text);
        }
        return;
    }
    collect_places(run);
    find_zones(run);
    drop_unfound(run);
    collect_groups(run);
    parallel_run(&(struct parallel_jobs){.count = run->group_count,
                                         .work = work_on_group,
                                         .context = run,
                                         .threads = DNS_PUBLISH_THREADS});
    dns_resolver_free(resolver);
}

void dns_publish_updates(const struct dns_publish_options *options, struct dns_publish_item *items,
                         size_t count)
{
    struct run run = {.options = options, .count = count};
    publish_progress_init(&run.progress, options);
    run.sorted = memory_zero(count, sizeof(*run.sorted));
    for (size_t i = 0; i < count; i++) {
        run.sorted[i].item = &items[i];
    }
    publish(&run);
    publish_progress_clear(&run.progress);
    free(run.sorted);
    free(run.places);
    free(run.groups);
}
