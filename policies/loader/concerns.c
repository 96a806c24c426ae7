#include "concerns.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/certificates/lifetime.h"
#include "lib/dns/name.h"
#include "policies/model/policy.h"

enum { HOST_MAX = sizeof(POLICY_HOST_PREFIX) + DNS_NAME_MAX };

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void concerns_begin(struct concerns *concerns)
{
    *concerns = (struct concerns){.stale_ms = INT64_MAX, .stale_s = INT64_MAX};
}

void concerns_note_without(struct concerns *concerns, struct policy_domain *domain,
                           const char *host, int64_t now_ms)
{
    if (domain->without_s == 0) {
        domain->without_s = (uint32_t)(now_ms / 1000) + 1; /* 0 is "has one" */
    }
    int64_t due_ms = ((int64_t)domain->without_s - 1 + CONCERNS_GRACE_S) * 1000;
    if (now_ms < due_ms) {
        concerns->stale_ms = sooner(concerns->stale_ms, due_ms);
    } else if (concerns->without.count++ == 0) {
        concerns->without.name = memory_string(host);
    }
}

void concerns_note_with(struct policy_domain *domain)
{
    domain->without_s = 0;
}

struct look {
    const struct certificate_pair *pair;
    const struct policy_index *policies;
    const struct certificate_table *table;
    int64_t now_s;
};

/* Whether the pair is what a client gets who asks for the policy host of DOMAIN, which is served.
 */
static bool is_served_for(const struct look *look, struct bytes domain)
{
    struct certificate_choice choice;
    char host[HOST_MAX];
    const struct policy_domain *found = policy_index_domain(look->policies, domain);
    if (found == NULL || found->slot == NULL) {
        return false;
    }
    int n = snprintf(host, sizeof(host), POLICY_HOST_PREFIX "%.*s", BYTES_ARG(domain));
    return certificate_table_find(look->table, (struct bytes){host, (size_t)n}, look->now_s,
                                  &choice) &&
           (choice.ecdsa == look->pair || choice.rsa == look->pair);
}

static bool is_served_as(const struct look *look, struct bytes name)
{
    const struct bytes fronts[] = {BYTES(POLICY_HOST_PREFIX), BYTES("*.")};
    for (size_t i = 0; i < ARRAY_LENGTH(fronts); i++) {
        if (bytes_starts_with(name, fronts[i])) {
            return is_served_for(look, bytes_skip(name, fronts[i].n));
        }
    }
    return false;
}

static bool is_needed(const struct look *look)
{
    for (size_t i = 0; i < certificate_pair_name_count(look->pair); i++) {
        if (is_served_as(look, certificate_pair_name(look->pair, i))) {
            return true;
        }
    }
    return false;
}

static void add_ending(struct concern *ending, const struct certificate_pair *pair)
{
    int64_t not_after_s = certificate_pair_not_after(pair);
    if (ending->count++ == 0 || not_after_s < ending->not_after_s) {
        free(ending->name);
        free(ending->path);
        ending->name = memory_string_of(certificate_pair_name(pair, 0));
        ending->path = memory_string(certificate_pair_path(pair));
        ending->not_after_s = not_after_s;
    }
}

void concerns_note_pair(struct concerns *concerns, const struct certificate_pair *pair,
                        const struct policy_index *policies, const struct certificate_table *table,
                        int64_t now_s)
{
    const struct look look = {pair, policies, table, now_s};
    int64_t soon_s = certificate_ends_soon_s(certificate_pair_not_before(pair),
                                             certificate_pair_not_after(pair));
    if (certificate_pair_file_count(pair) == 0) {
        return;
    }
    if (now_s < soon_s) {
        concerns->stale_s = sooner(concerns->stale_s, soon_s);
    } else if (is_needed(&look)) {
        add_ending(&concerns->ending, pair);
    }
}

bool concerns_are_stale(const struct concerns *concerns, int64_t now_s, int64_t now_ms)
{
    return now_s >= concerns->stale_s || now_ms >= concerns->stale_ms;
}

static void copy_texts(struct concern *concern)
{
    concern->name = memory_string_or_null(concern->name);
    concern->path = memory_string_or_null(concern->path);
}

void concerns_copy(const struct concerns *from, struct concerns *ret_to)
{
    *ret_to = *from;
    copy_texts(&ret_to->without);
    copy_texts(&ret_to->ending);
}

void concerns_clear(struct concerns *concerns)
{
    struct concern *all[] = {&concerns->without, &concerns->ending};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        free(all[i]->name);
        free(all[i]->path);
    }
    *concerns = (struct concerns){0};
}
