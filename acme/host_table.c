/* All names that have or want a certificate. */
#include <stdio.h>
#include <stdlib.h>

#include "acme/client.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum { LEFT_ORDER_S = 7 * 86400, NAMES_OCTETS_MAX = INT32_MAX };
enum { HOST_NAME_MAX_OCTETS = sizeof(POLICY_HOST_PREFIX) - 1 + DNS_NAME_MAX };

static struct bytes host_key(const struct rcu_entry *entry)
{
    return bytes_of(((const struct host *)entry)->name);
}

static void host_free(struct rcu_entry *entry)
{
    struct host *host = (struct host *)entry;
    certificate_pair_unref(host->pair);
    free(host->ari_id);
    free(host->problem);
    free(host);
}

static const struct rcu_table_methods METHODS = {.key = host_key, .free = host_free};

void hosts_init(struct acme *acme)
{
    acme->hosts.table = rcu_table_new(&METHODS);
}

void hosts_clear(struct acme *acme)
{
    if (acme->hosts.table != NULL) {
        rcu_table_free(acme->hosts.table);
    }
    schedule_clear(&acme->hosts.timed);
    schedule_clear(&acme->orders.timers);
    schedule_clear(&acme->hosts.ready);
    schedule_clear(&acme->looks.times);
    schedule_clear(&acme->hosts.found);
}

struct host *hosts_find(const struct acme *acme, struct bytes name)
{
    return (struct host *)rcu_table_find(acme->hosts.table, name);
}

struct host *hosts_get(struct acme *acme, struct bytes name)
{
    struct host *host = hosts_find(acme, name);
    if (host == NULL) {
        host = memory_zero(1, sizeof(*host) + name.n + 1);
        host->acme = acme;
        memcpy(host->name, name.p, name.n);
        rcu_table_add(acme->hosts.table, &host->entry);
    }
    return host;
}

struct visit {
    bool (*visit)(struct host *host, void *context);
    void *context;
};

static bool visit_host(struct rcu_entry *entry, void *context)
{
    const struct visit *visit = context;
    return visit->visit((struct host *)entry, visit->context);
}

void hosts_each(struct acme *acme, bool (*visit)(struct host *host, void *context), void *context)
{
    struct visit visiting = {visit, context};
    rcu_table_each(acme->hosts.table, visit_host, &visiting);
}

/* --- From the policy index --- */

static struct host *get_by_domain(struct acme *acme, struct bytes domain)
{
    char name[HOST_NAME_MAX_OCTETS + 1];
    int n = snprintf(name, sizeof(name), POLICY_HOST_PREFIX "%.*s", BYTES_ARG(domain));
    /* A longer one is no host name (RFC 1035 §2.3.4), and no certificate can have it. */
    return n <= DNS_NAME_MAX ? hosts_get(acme, (struct bytes){name, (size_t)n}) : NULL;
}

/* Nothing is added to a table within a read section, not even of another: the names are gathered
 * there. */
static bool gather(struct policy_domain *domain, void *context)
{
    if (rcu_current(domain->slot) != NULL) {
        buffer_add(context, policy_domain_name(domain));
        buffer_add(context, BYTES("\n"));
    }
    return true;
}

void hosts_want(struct acme *acme)
{
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_OCTETS_MAX);
    rcu_read_begin();
    policy_index_each(acme->options.policies, gather, &names);
    rcu_read_end();
    struct bytes rest = buffer_bytes(&names);
    while (rest.n != 0) {
        size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p);
        struct host *host = get_by_domain(acme, (struct bytes){rest.p, n});
        if (host != NULL) {
            host->state.wanted = true;
        }
        rest = bytes_skip(rest, n + 1);
    }
}

void hosts_domain_changed(struct acme *acme, struct bytes domain, bool gone)
{
    struct host *host = get_by_domain(acme, domain);
    if (host != NULL) {
        host_tell(host, gone ? HOST_EVENT_UNWANTED : HOST_EVENT_WANTED);
    }
}

/* --- Those that wait --- */

static bool is_waiting(const struct host *host)
{
    return host->state.wanted && host->state.trouble == ACME_HOST_WAITS;
}

static bool count_waiting(struct host *host, void *context)
{
    size_t *count = context;
    *count += is_waiting(host);
    return true;
}

static bool wake(struct host *host, void *context)
{
    const int64_t *spread_s = context;
    if (is_waiting(host)) {
        host_step(host,
                  &(struct host_event){.kind = HOST_EVENT_LOOK_SOON,
                                       .wait_s = arc4random_uniform((uint32_t)*spread_s + 1)});
    }
    return true;
}

void hosts_look_again(struct acme *acme)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t count = 0;
    if (now_ms < acme->hosts.woken_until_ms) {
        return; /* so many that they are being looked at still */
    }
    hosts_each(acme, count_waiting, &count);
    int64_t spread_s = look_spread_s(count);
    acme->hosts.woken_until_ms = now_ms + spread_s * 1000;
    hosts_each(acme, wake, &spread_s);
}

/* --- From the store --- */

static void load_host(const struct acme_store_host *row, void *context)
{
    struct acme *acme = context;
    struct host *host = hosts_get(acme, bytes_of(row->name));
    const struct host_state loaded = {
        .trouble = row->trouble,
        .failures = row->failures,
        .challenge = row->challenge,
        .next_s = row->next_s,
    };
    host_step(host,
              &(struct host_event){.kind = HOST_EVENT_LOADED,
                                   .loaded = &loaded,
                                   .other_settings =
                                       row->settings != NULL &&
                                       strcmp(row->settings, acme->session.settings_digest) != 0});
    free(host->problem);
    host->problem = memory_string_or_null(row->problem);
}

static void load_order(const struct acme_store_order *row, void *context)
{
    struct acme *acme = context;
    struct host *host = hosts_get(acme, bytes_of(row->host));
    host->state.left_order = !host->state.wanted;
    if (host->state.wanted && host->order == NULL) {
        order_take_up(host, row);
    }
}

/* What no CA keeps so long. */
static void forget_left_order(struct host *host, int64_t now_s)
{
    struct acme_store_order row;
    struct error e;
    if (!acme_store_find_order(host->acme->session.store, host->name, &row, &e)) {
        return;
    }
    bool is_old = row.begun_s < now_s - LEFT_ORDER_S;
    acme_store_order_clear(&row);
    if (is_old && !acme_store_remove_order(host->acme->session.store, host->name, &e)) {
        acme_store_failed(host->acme, &e);
    }
}

/* Of a domain that left long ago nothing is left but a certificate that ended. */
static void forget_ended(struct host *host, int64_t now_s)
{
    struct error e;
    if (host->state.left_order) {
        forget_left_order(host, now_s);
    }
    int64_t not_after_s = host->state.certificate.not_after_s;
    bool ended = not_after_s != 0 && not_after_s < now_s;
    if (ended && !host->state.wanted &&
        !acme_store_remove_certificate(host->acme->session.store, host->name, &e)) {
        acme_store_failed(host->acme, &e);
    }
}

static bool plan(struct host *host, void *context)
{
    const int64_t *now_s = context;
    forget_ended(host, *now_s);
    host_plan(host);
    return true;
}

bool hosts_load(struct acme *acme, struct error *e)
{
    if (!acme_store_each_host(acme->session.store, load_host, acme, e) ||
        !acme_store_each_order(acme->session.store, load_order, acme, e)) {
        return false;
    }
    int64_t now_s = clock_wall_s();
    hosts_each(acme, plan, &now_s);
    hosts_look_again(acme);
    return true;
}
