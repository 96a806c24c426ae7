#include "checks/judge_parts.h"
#include "policies/model/mx_coverage.h"

static const struct judge_certificate_kinds certificate_kinds = {
    .expired = FINDING_MX_CERTIFICATE_EXPIRED,
    .not_yet_valid = FINDING_MX_CERTIFICATE_NOT_YET_VALID,
    .wrong_name = FINDING_MX_CERTIFICATE_WRONG_NAME,
    .self_signed = FINDING_MX_CERTIFICATE_SELF_SIGNED,
    .chain_incomplete = FINDING_MX_CERTIFICATE_CHAIN_INCOMPLETE,
    .chain_expired = FINDING_MX_CERTIFICATE_CHAIN_EXPIRED,
    .untrusted = FINDING_MX_CERTIFICATE_UNTRUSTED,
    .weak = FINDING_MX_CERTIFICATE_WEAK,
    .invalid = FINDING_MX_CERTIFICATE_INVALID,
    .expires_soon = FINDING_MX_CERTIFICATE_EXPIRES_SOON,
};

/* --- Against the policy --- */

static void judge_patterns(struct judge *judge, const struct mx_coverage *coverage)
{
    for (size_t i = 0; i < coverage->pattern_count; i++) {
        if (!coverage->patterns[i].used) {
            judge_add(judge, FINDING_PATTERN_UNUSED, judge->seen->domain.text,
                      "no MX is named by the pattern %.*s", BYTES_ARG(coverage->patterns[i].text));
        }
    }
}

static void judge_hosts(struct judge *judge, const struct mx_coverage *coverage)
{
    if (coverage->verdict == MX_COVERAGE_NONE) {
        judge_add(judge, FINDING_MX_NONE_IN_POLICY, judge->seen->domain.text,
                  "the policy names none of %zu MX, as in %.*s", coverage->host_count,
                  BYTES_ARG(coverage->hosts[0].name));
        return;
    }
    for (size_t i = 0; i < coverage->host_count; i++) {
        if (!coverage->hosts[i].covered) {
            CLEANUP_FREE char *host = memory_string_of(coverage->hosts[i].name);
            judge_add(judge, FINDING_MX_NOT_IN_POLICY, host, "no pattern of the policy matches %s",
                      host);
        }
    }
}

static void judge_coverage(struct judge *judge)
{
    const struct observation *seen = judge->seen;
    if (judge->policy == NULL || judge->policy->mode == POLICY_NONE || seen->mx_count == 0) {
        return;
    }
    CLEANUP(mx_coverage_clear) struct mx_coverage coverage;
    mx_coverage_find_each(judge->policy, &seen->mx[0].host, sizeof(seen->mx[0]), seen->mx_count,
                          &coverage);
    judge_hosts(judge, &coverage);
    if (seen->mx_left_out == 0 && coverage.verdict != MX_COVERAGE_NONE) {
        judge_patterns(judge, &coverage);
    }
}

/* --- Each host --- */

static void judge_connection(struct judge *judge, const struct observed_mx *mx,
                             const struct observed_smtp *smtp)
{
    static const enum finding_kind kinds[] = {
        [OBSERVED_UNREACHABLE] = FINDING_MX_REFUSED,
        [OBSERVED_NO_CONNECT] = FINDING_MX_NO_CONNECT,
        [OBSERVED_NO_TLS] = FINDING_MX_NO_TLS,
        [OBSERVED_TLS_TOO_OLD] = FINDING_MX_TLS_OLD,
        [OBSERVED_NO_STARTTLS] = FINDING_MX_NO_STARTTLS,
        [OBSERVED_WRONG_ANSWER] = FINDING_MX_BROKEN,
        [OBSERVED_TIMED_OUT] = FINDING_MX_STALLED,
    };
    CLEANUP_FREE char *subject = memory_printf("%s (%s)", mx->host.text, smtp->address);
    judge_certificate(judge, &smtp->certificate, &certificate_kinds, subject);
    if (smtp->outcome != OBSERVED_ANSWERED && smtp->outcome != OBSERVED_NOTHING) {
        judge_add(judge, kinds[smtp->outcome], subject, "%s", smtp->why);
    }
}

static void judge_addresses(struct judge *judge, const struct observed_mx *mx)
{
    bool found_a = judge_dns(judge, &mx->a, mx->host.text, "A");
    if (!found_a && mx->aaaa.outcome == mx->a.outcome) {
        return; /* both fail in the same way: told once */
    }
    if (!judge_dns(judge, &mx->aaaa, mx->host.text, "AAAA") || !found_a) {
        return;
    }
    if (mx->smtp_count == 0) {
        judge_add(judge, FINDING_MX_HOST_MISSING, mx->host.text, "%s has no address",
                  mx->host.text);
    } else if (mx->a.alias_count != 0 && !mx->implicit) {
        judge_add(judge, FINDING_MX_ALIAS, mx->host.text, "%s is a CNAME to %s", mx->host.text,
                  mx->a.aliases[mx->a.alias_count - 1].text);
    }
}

static void judge_host_of(struct judge *judge, const struct observed_mx *mx)
{
    judge_addresses(judge, mx);
    for (size_t i = 0; i < mx->smtp_count; i++) {
        judge_connection(judge, mx, &mx->smtp[i]);
    }
    if (mx->tlsa_count != 0) {
        judge_add(judge, FINDING_DANE, mx->host.text, "%s has %zu TLSA records", mx->host.text,
                  mx->tlsa_count);
    }
}

void judge_mx(struct judge *judge)
{
    const struct observation *seen = judge->seen;
    const char *domain = seen->domain.text;
    if (!judge_dns(judge, &seen->mx_trace, domain, "MX")) {
        return;
    }
    if (seen->null_mx) {
        judge_add(judge, FINDING_NULL_MX, domain, "its MX record is the null MX");
        return;
    }
    if (seen->mx_count == 1 && seen->mx[0].implicit && seen->mx[0].smtp_count != 0) {
        judge_add(judge, FINDING_MX_IMPLICIT, domain, "%s has addresses, and no MX record", domain);
    }
    judge_coverage(judge);
    for (size_t i = 0; i < seen->mx_count; i++) {
        judge_host_of(judge, &seen->mx[i]);
    }
    if (seen->mx_left_out != 0 || seen->connections_left_out != 0) {
        judge_add(judge, FINDING_NOT_ALL_SEEN, domain,
                  "%zu MX and %zu addresses were not looked at", seen->mx_left_out,
                  seen->connections_left_out);
    }
}
