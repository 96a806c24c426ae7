#include "checks/judge_parts.h"
#include "policies/model/policy_text.h"

enum { HTTP_OK = 200, HTTP_REDIRECT = 300, HTTP_ERROR = 400, HTTP_SERVER_ERROR = 500 };
enum { HTTP_NOT_FOUND = 404, HTTP_GONE = 410, REMARKS_SHOWN = 3, MS_PER_S = 1000 };

static const struct judge_certificate_kinds certificate_kinds = {
    .expired = FINDING_CERTIFICATE_EXPIRED,
    .not_yet_valid = FINDING_CERTIFICATE_NOT_YET_VALID,
    .wrong_name = FINDING_CERTIFICATE_WRONG_NAME,
    .self_signed = FINDING_CERTIFICATE_SELF_SIGNED,
    .chain_incomplete = FINDING_CERTIFICATE_CHAIN_INCOMPLETE,
    .chain_expired = FINDING_CERTIFICATE_CHAIN_EXPIRED,
    .untrusted = FINDING_CERTIFICATE_UNTRUSTED,
    .weak = FINDING_CERTIFICATE_WEAK,
    .invalid = FINDING_CERTIFICATE_INVALID,
    .expires_soon = FINDING_CERTIFICATE_EXPIRES_SOON,
};

static void judge_content_type(struct judge *judge, const struct observed_https *https,
                               const char *subject)
{
    struct bytes type = bytes_of(https->content_type != NULL ? https->content_type : "");
    struct bytes want = BYTES("text/plain");
    struct bytes media = {type.p, type.n < want.n ? type.n : want.n};
    if (!policy_text_is_plain(https->content_type)) {
        judge_add(judge, FINDING_POLICY_CONTENT_TYPE, subject, "the content type is \"%s\"",
                  type.n != 0 ? dns_name_show(type).text : "missing");
    } else if (!bytes_equal(media, want)) {
        judge_add(judge, FINDING_POLICY_CONTENT_TYPE_FORM, subject, "the content type is \"%s\"",
                  dns_name_show(type).text);
    }
}

static void judge_content_coding(struct judge *judge, const struct observed_https *https,
                                 const char *subject)
{
    if (observed_https_is_coded(https)) {
        judge_add(judge, FINDING_POLICY_CONTENT_CODED, subject, "Content-Encoding: \"%s\"",
                  dns_name_show(bytes_of(https->content_coding)).text);
    }
}

static void judge_remarks(struct judge *judge, const struct observed_https *https,
                          const char *subject)
{
    const struct diagnostics *remarks = &https->remarks;
    enum severity severity = remarks->errors != 0 ? SEVERITY_ERROR : SEVERITY_WARNING;
    size_t shown = 0;
    for (size_t i = 0; i < remarks->count && shown < REMARKS_SHOWN; i++) {
        const struct diagnostic *remark = &remarks->items[i];
        if (remark->severity == severity) {
            CLEANUP_FREE char *place =
                remark->line != 0 ? memory_printf("line %u: ", remark->line) : memory_string("");
            judge_add(judge,
                      severity == SEVERITY_ERROR ? FINDING_POLICY_INVALID : FINDING_POLICY_RISKY,
                      subject, "%s%s", place, remark->text);
            shown++;
        }
    }
}

static bool has_bare_line_end(struct bytes body)
{
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] == '\n' && (i == 0 || body.p[i - 1] != '\r')) {
            return true;
        }
    }
    return false;
}

static void judge_body(struct judge *judge, const struct observed_https *https, const char *subject)
{
    if (https->body_too_long || https->body.n > POLICY_BODY_MAX) {
        judge_add(judge, FINDING_POLICY_TOO_LONG, subject, "the answer has %s%zu octets",
                  https->body_too_long ? "more than " : "", https->body.n);
    } else if (https->body.n == 0) {
        judge_add(judge, FINDING_POLICY_EMPTY, subject, "the answer has no body");
    } else {
        judge_remarks(judge, https, subject);
        if (https->policy != NULL && has_bare_line_end(buffer_bytes(&https->body))) {
            judge_add(judge, FINDING_POLICY_LINE_ENDS, subject, "lines end in LF alone");
        }
    }
    judge_content_type(judge, https, subject);
    judge_content_coding(judge, https, subject);
}

static void judge_status(struct judge *judge, const struct observed_https *https,
                         const char *subject)
{
    if (https->status >= HTTP_REDIRECT && https->status < HTTP_ERROR) {
        judge_add(judge, FINDING_POLICY_REDIRECT, subject, "status %ld, to \"%s\"", https->status,
                  dns_name_show(bytes_of(https->location != NULL ? https->location : "")).text);
    } else if (https->status == HTTP_NOT_FOUND || https->status == HTTP_GONE) {
        judge_add(judge, FINDING_POLICY_NOT_FOUND, subject, "status %ld", https->status);
    } else if (https->status >= HTTP_SERVER_ERROR) {
        judge_add(judge, FINDING_POLICY_SERVER_ERROR, subject, "status %ld", https->status);
    } else {
        judge_add(judge, FINDING_POLICY_STATUS, subject, "status %ld", https->status);
    }
}

static void judge_answer(struct judge *judge, const struct observed_https *https,
                         const char *subject)
{
    if (https->status == HTTP_OK) {
        judge_body(judge, https, subject);
    } else {
        judge_status(judge, https, subject);
    }
    if (https->time_ms > POLICY_SLOW_MS) {
        judge_add(judge, FINDING_POLICY_SLOW, subject, "the answer took %lld.%lld s",
                  (long long)(https->time_ms / MS_PER_S),
                  (long long)(https->time_ms % MS_PER_S / (MS_PER_S / 10)));
    }
    if (https->tls12 == OBSERVED_NO) {
        judge_add(judge, FINDING_TLS12_MISSING, subject, "TLS 1.2 is refused");
    }
    if (https->tls13 == OBSERVED_NO) {
        judge_add(judge, FINDING_TLS13_MISSING, subject, "TLS 1.2 is the newest");
    }
}

static void judge_connection(struct judge *judge, const struct observed_https *https)
{
    static const enum finding_kind kinds[] = {
        [OBSERVED_UNREACHABLE] = FINDING_HTTPS_REFUSED,
        [OBSERVED_NO_CONNECT] = FINDING_HTTPS_NO_CONNECT,
        [OBSERVED_NO_TLS] = FINDING_HTTPS_NO_TLS,
        [OBSERVED_TLS_TOO_OLD] = FINDING_HTTPS_TLS_OLD,
        [OBSERVED_NO_STARTTLS] = FINDING_HTTPS_BROKEN,
        [OBSERVED_WRONG_ANSWER] = FINDING_HTTPS_BROKEN,
        [OBSERVED_TIMED_OUT] = FINDING_HTTPS_STALLED,
    };
    CLEANUP_FREE char *subject = memory_printf("%s (%s)", judge->policy_host, https->address);
    judge_certificate(judge, &https->certificate, &certificate_kinds, subject);
    if (https->outcome == OBSERVED_ANSWERED) {
        judge_answer(judge, https, subject);
    } else if (https->outcome != OBSERVED_NOTHING) {
        judge_add(judge, kinds[https->outcome], subject, "%s", https->why);
    }
}

static bool answers_equal(const struct observed_https *a, const struct observed_https *b)
{
    return a->status == b->status &&
           (a->status != HTTP_OK || bytes_equal(buffer_bytes(&a->body), buffer_bytes(&b->body)));
}

/* Each with the first that answers; one difference is enough. */
static void compare_addresses(struct judge *judge)
{
    const struct observed_https *first = NULL;
    for (size_t i = 0; i < judge->seen->https_count; i++) {
        const struct observed_https *https = &judge->seen->https[i];
        if (https->outcome != OBSERVED_ANSWERED) {
            continue;
        }
        if (first != NULL && !answers_equal(first, https)) {
            judge_add(judge, FINDING_ADDRESSES_DIFFER, judge->policy_host,
                      "%s and %s answer differently", first->address, https->address);
            return;
        }
        first = first != NULL ? first : https;
    }
}

/* Whether anything says that there should be a policy host. */
static bool is_wanted(const struct judge *judge)
{
    return judge->seen->sts.texts.count != 0 || judge->seen->https_count != 0 ||
           judge->expected != NULL;
}

static void judge_addresses(struct judge *judge)
{
    const struct observation *seen = judge->seen;
    if (seen->a.outcome == DNS_NOT_ASKED) {
        return; /* nothing is known of it */
    }
    bool found_a = judge_dns(judge, &seen->a, judge->policy_host, "A");
    if (!found_a && seen->aaaa.outcome == seen->a.outcome) {
        return; /* both fail in the same way: told once */
    }
    bool found_aaaa = judge_dns(judge, &seen->aaaa, judge->policy_host, "AAAA");
    if (!found_a || !found_aaaa) {
        return;
    }
    if (seen->https_count == 0) {
        judge_add(judge, FINDING_HOST_MISSING, judge->policy_host, "%s has no address",
                  judge->policy_host);
    } else if (seen->a.outcome == DNS_EMPTY) {
        judge_add(judge, FINDING_HOST_NO_IPV4, judge->policy_host, "%s has AAAA records alone",
                  judge->policy_host);
    }
}

void judge_host(struct judge *judge)
{
    if (!is_wanted(judge)) {
        return;
    }
    judge_addresses(judge);
    for (size_t i = 0; i < judge->seen->https_count; i++) {
        judge_connection(judge, &judge->seen->https[i]);
    }
    compare_addresses(judge);
    if (judge->seen->https_left_out != 0) {
        judge_add(judge, FINDING_NOT_ALL_SEEN, judge->policy_host,
                  "%zu addresses were not looked at", judge->seen->https_left_out);
    }
    if (judge->seen->caa_allows == OBSERVED_NO) {
        judge_add(judge, FINDING_CAA_FORBIDS, judge->policy_host, "%s", judge->seen->caa_why);
    }
}
