#include "observe.h"

#include <stdio.h>

#include "checks/observe_parts.h"
#include "lib/base/clock.h"
#include "lib/dns/caa.h"
#include "lib/dns/delegation.h"
#include "policies/model/sts_record.h"

bool observer_new(const struct observer_options *options, struct observer **ret_observer,
                  struct error *e)
{
    X509_STORE *trust = NULL;
    if (!tls_witness_trust(options->trust, options->trust_only, &trust, e)) {
        return false;
    }
    struct observer *observer = memory_zero(1, sizeof(*observer));
    observer->options = *options;
    observer->trust = trust;
    *ret_observer = observer;
    return true;
}

void observer_free(struct observer *observer)
{
    if (observer != NULL) {
        X509_STORE_free(observer->trust);
        free(observer);
    }
}

static size_t bounded(size_t count, size_t max)
{
    return count < max ? count : max;
}

static void look_at_txt(const struct observer *observer, const char *prefix,
                        const struct observation *observation, struct observed_txt *txt)
{
    CLEANUP_FREE char *name = memory_printf("%s.%s", prefix, observation->domain.text);
    dns_trace_txt(observer->options.resolver, bytes_of(name), &txt->texts, &txt->trace);
    dns_delegation_explain(observer->options.resolver, bytes_of(name), &txt->trace);
}

static bool has_sts_record(const struct observer *observer, const char *name)
{
    struct dns_trace trace;
    CLEANUP(dns_txt_set_clear) struct dns_txt_set texts = {0};
    dns_trace_txt(observer->options.resolver, bytes_of(name), &texts, &trace);
    for (size_t i = 0; i < texts.count; i++) {
        if (sts_record_is_one(texts.items[i])) {
            return true;
        }
    }
    return false;
}

/* Where the record is put by mistake: at the domain, at the policy host, and at the whole name once
 * more, by a panel that adds the zone's name to it. */
static void look_for_misplaced(const struct observer *observer, struct observation *observation)
{
    const char *domain = observation->domain.text;
    char *names[] = {memory_string(domain), memory_printf(POLICY_HOST_PREFIX "%s", domain),
                     memory_printf("_mta-sts.%s.%s", domain, domain)};
    bool found = observation->sts.texts.count != 0;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t n = strlen(names[i]);
        if (!found && n <= DNS_NAME_MAX && has_sts_record(observer, names[i])) {
            observation->misplaced.n = (unsigned char)n;
            memcpy(observation->misplaced.text, names[i], n + 1);
            found = true;
        }
        free(names[i]);
    }
}

static void look_up_host(const struct observer *observer, struct observation *observation)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    CLEANUP_FREE char *name = memory_printf(POLICY_HOST_PREFIX "%s", observation->domain.text);
    dns_trace_addresses(observer->options.resolver, bytes_of(name), &addresses, &observation->a,
                        &observation->aaaa);
    size_t count = bounded(addresses.count, OBSERVATION_ADDRESSES_MAX);
    observation->https = memory_zero(count, sizeof(*observation->https));
    observation->https_count = count;
    observation->https_left_out = addresses.count - count;
    for (size_t i = 0; i < count; i++) {
        memcpy(observation->https[i].address, addresses.items[i], DNS_ADDRESS_SIZE);
    }
}

static void look_up_mx_host(const struct observer *observer, struct observed_mx *mx)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    dns_trace_addresses(observer->options.resolver, dns_name_bytes(&mx->host), &addresses, &mx->a,
                        &mx->aaaa);
    mx->smtp_count = bounded(addresses.count, OBSERVATION_ADDRESSES_MAX);
    mx->smtp = memory_zero(mx->smtp_count, sizeof(*mx->smtp));
    for (size_t i = 0; i < mx->smtp_count; i++) {
        memcpy(mx->smtp[i].address, addresses.items[i], DNS_ADDRESS_SIZE);
    }
    CLEANUP_FREE char *name = memory_printf("_25._tcp.%s", mx->host.text);
    dns_trace_tlsa(observer->options.resolver, bytes_of(name), &mx->tlsa_count, &mx->tlsa);
}

static void look_up_mx(const struct observer *observer, struct observation *observation,
                       int64_t until_ms)
{
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    dns_trace_mx(observer->options.resolver, dns_name_bytes(&observation->domain), &set,
                 &observation->mx_trace);
    dns_delegation_explain(observer->options.resolver, dns_name_bytes(&observation->domain),
                           &observation->mx_trace);
    observation->null_mx = set.null_mx;
    bool implicit = observation->mx_trace.outcome == DNS_EMPTY;
    size_t count = implicit ? 1 : bounded(set.count, OBSERVATION_MX_MAX);
    observation->mx = memory_zero(count, sizeof(*observation->mx));
    for (size_t i = 0; i < count && (i == 0 || clock_monotonic_ms() < until_ms); i++) {
        struct observed_mx *mx = &observation->mx[observation->mx_count++];
        mx->implicit = implicit;
        mx->host = implicit ? observation->domain : set.items[i].host;
        mx->preference = implicit ? 0 : set.items[i].preference;
        look_up_mx_host(observer, mx);
    }
    observation->mx_left_out = implicit ? 0 : set.count - observation->mx_count;
}

static void look_at_caa(const struct observer *observer, struct observation *observation)
{
    if (observer->options.caa_issuer_count == 0) {
        return;
    }
    struct error e;
    bool allowed = false;
    CLEANUP(buffer_clear) struct buffer why = BUFFER(OBSERVATION_CAA_WHY_SIZE);
    CLEANUP_FREE char *name = memory_printf(POLICY_HOST_PREFIX "%s", observation->domain.text);
    const struct dns_caa_request request = {.name = bytes_of(name),
                                            .issuers = observer->options.caa_issuers,
                                            .issuer_count = observer->options.caa_issuer_count,
                                            .method = "http-01"};
    if (!dns_caa_allows(observer->options.resolver, &request, &allowed, &why, &e)) {
        return;
    }
    observation->caa_allows = allowed ? OBSERVED_YES : OBSERVED_NO;
    safe_text_cut(buffer_bytes(&why), sizeof(observation->caa_why) - SAFE_TEXT_ELLIPSIS_ROOM,
                  observation->caa_why);
}

void observer_look(const struct observer *observer, const struct dns_name *domain,
                   struct observation *ret_observation)
{
    ret_observation->domain = *domain;
    ret_observation->time_s = clock_wall_s();
    int64_t until_ms = clock_monotonic_ms() + OBSERVER_LOOK_MS;
    look_at_txt(observer, "_mta-sts", ret_observation, &ret_observation->sts);
    look_up_mx(observer, ret_observation, until_ms);
    if (ret_observation->sts.trace.outcome == DNS_NO_ANSWER &&
        ret_observation->mx_trace.outcome == DNS_NO_ANSWER) {
        return; /* each look-up more would take as long, to no end */
    }
    look_for_misplaced(observer, ret_observation);
    look_at_txt(observer, "_smtp._tls", ret_observation, &ret_observation->tlsrpt);
    look_up_host(observer, ret_observation);
    look_at_caa(observer, ret_observation);
    observe_connections(observer, ret_observation, until_ms);
}
