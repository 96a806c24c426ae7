#include "cli/check_view.h"
#include "cli/json_view.h"
#include "lib/base/safe_json.h"

enum { TEXT_SHOWN_MAX = 1000, BODY_SHOWN_MAX = POLICY_BODY_MAX };

/* From outside. */
static json_t *text_of(struct bytes text)
{
    if (text.n <= BODY_SHOWN_MAX) {
        return safe_json_string(text);
    }
    char shown[TEXT_SHOWN_MAX + SAFE_TEXT_ELLIPSIS_ROOM];
    safe_text_cut(text, TEXT_SHOWN_MAX, shown);
    return json_string(shown);
}

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text_of(bytes_of(text)) : json_null();
}

static json_t *answer_of(enum observed_answer answer)
{
    return answer == OBSERVED_UNKNOWN ? json_null() : json_boolean(answer == OBSERVED_YES);
}

static json_t *trace_of(const struct dns_trace *trace)
{
    static const char *const outcomes[] = {
        [DNS_NOT_ASKED] = "not-asked",   [DNS_FOUND] = "found",
        [DNS_EMPTY] = "empty",           [DNS_NO_NAME] = "no-name",
        [DNS_FAILED] = "failed",         [DNS_UNREACHED] = "lame",
        [DNS_BOGUS] = "bogus",           [DNS_NO_ANSWER] = "no-answer",
        [DNS_ALIAS_LOOP] = "alias-loop", [DNS_UNUSABLE] = "unusable",
    };
    json_t *aliases = json_array();
    for (size_t i = 0; i < trace->alias_count; i++) {
        json_array_append_new(aliases, text_of(dns_name_bytes(&trace->aliases[i])));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "outcome", outcomes[trace->outcome], "ttl",
                     trace->outcome == DNS_FOUND ? json_integer(trace->ttl_s) : json_null(),
                     "aliases", aliases, "why", text_or_null(trace->why));
}

static json_t *txt_of(const struct observed_txt *txt)
{
    json_t *value = trace_of(&txt->trace);
    json_t *texts = json_array();
    for (size_t i = 0; i < txt->texts.count; i++) {
        json_array_append_new(texts, text_of(txt->texts.items[i]));
    }
    json_object_set_new(value, "texts", texts);
    return value;
}

static const char *outcome_of(enum observed_outcome outcome)
{
    static const char *const outcomes[] = {
        [OBSERVED_NOTHING] = "not-tried",       [OBSERVED_UNREACHABLE] = "refused",
        [OBSERVED_NO_CONNECT] = "no-connect",   [OBSERVED_NO_TLS] = "no-tls",
        [OBSERVED_TLS_TOO_OLD] = "tls-too-old", [OBSERVED_NO_STARTTLS] = "no-starttls",
        [OBSERVED_WRONG_ANSWER] = "broken",     [OBSERVED_TIMED_OUT] = "timed-out",
        [OBSERVED_ANSWERED] = "answered",
    };
    return outcomes[outcome];
}

static json_t *tls_of(int version)
{
    enum { MAJOR = 10 };
    return version == 0 ? json_null() : json_sprintf("1.%d", version % MAJOR);
}

static json_t *certificate_of(const struct observed_certificate *certificate)
{
    if (!certificate->seen) {
        return json_null();
    }
    return json_pack(
        "{s:b, s:b, s:b, s:o, s:I, s:I, s:I, s:s, s:i, s:i, s:o, s:o}", "chain_verified",
        certificate->chain_verified, "name_matched", certificate->name_matched, "self_signed",
        certificate->self_signed, "why", text_or_null(certificate->why), "not_before",
        (json_int_t)certificate->not_before_s, "not_after", (json_int_t)certificate->not_after_s,
        "chain_not_after", (json_int_t)certificate->chain_not_after_s, "key", certificate->key,
        "key_bits", (int)certificate->key_bits, "sent", (int)certificate->sent, "issuer",
        text_or_null(certificate->issuer), "names", text_or_null(certificate->names));
}

static json_t *policy_of(const struct policy *policy)
{
    if (policy == NULL) {
        return json_null();
    }
    return json_pack("{s:s, s:I, s:o}", "mode", policy_mode_name(policy->mode), "max_age",
                     (json_int_t)policy->max_age_s, "mx", json_view_mx(policy));
}

static json_t *https_of(const struct observed_https *https)
{
    json_t *value = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "address", https->address, "outcome",
        outcome_of(https->outcome), "why", text_or_null(https->why), "tls",
        tls_of(https->tls_version), "tls12", answer_of(https->tls12), "tls13",
        answer_of(https->tls13), "key_exchange", text_or_null(https->group), "certificate",
        certificate_of(&https->certificate), "time_ms", (json_int_t)https->time_ms);
    if (https->outcome == OBSERVED_ANSWERED) {
        struct bytes body = buffer_bytes(&https->body);
        json_object_set_new(value, "status", json_integer(https->status));
        json_object_set_new(value, "content_type", text_or_null(https->content_type));
        json_object_set_new(value, "location", text_or_null(https->location));
        json_object_set_new(value, "octets", json_integer((json_int_t)body.n));
        json_object_set_new(value, "cut", json_boolean(https->body_too_long));
        json_object_set_new(value, "body", text_of(body));
        json_object_set_new(value, "policy", policy_of(https->policy));
    }
    return value;
}

static json_t *smtp_of(const struct observed_smtp *smtp)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "address", smtp->address,
                     "outcome", outcome_of(smtp->outcome), "why", text_or_null(smtp->why),
                     "starttls", answer_of(smtp->starttls), "tls", tls_of(smtp->tls_version),
                     "key_exchange", text_or_null(smtp->group), "certificate",
                     certificate_of(&smtp->certificate), "time_ms", (json_int_t)smtp->time_ms);
}

static json_t *mx_of(const struct observed_mx *mx)
{
    json_t *addresses = json_array();
    for (size_t i = 0; i < mx->smtp_count; i++) {
        json_array_append_new(addresses, smtp_of(&mx->smtp[i]));
    }
    return json_pack("{s:s, s:i, s:b, s:o, s:o, s:o, s:i, s:o}", "host", mx->host.text,
                     "preference", (int)mx->preference, "implicit", mx->implicit, "a",
                     trace_of(&mx->a), "aaaa", trace_of(&mx->aaaa), "tlsa", trace_of(&mx->tlsa),
                     "tlsa_records", (int)mx->tlsa_count, "addresses", addresses);
}

static json_t *observation_of(const struct observation *seen)
{
    json_t *https = json_array();
    json_t *mx = json_array();
    for (size_t i = 0; i < seen->https_count; i++) {
        json_array_append_new(https, https_of(&seen->https[i]));
    }
    for (size_t i = 0; i < seen->mx_count; i++) {
        json_array_append_new(mx, mx_of(&seen->mx[i]));
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "time",
                     (json_int_t)seen->time_s, "sts_record", txt_of(&seen->sts), "tlsrpt_record",
                     txt_of(&seen->tlsrpt), "a", trace_of(&seen->a), "aaaa", trace_of(&seen->aaaa),
                     "https", https, "mx_lookup", trace_of(&seen->mx_trace), "null_mx",
                     seen->null_mx, "mx", mx, "caa_allows", answer_of(seen->caa_allows), "caa_why",
                     text_or_null(seen->caa_why));
}

json_t *check_json_finding(const struct finding *finding)
{
    const struct finding_facts *facts = finding_facts(finding->kind);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s?}", "code", facts->code, "severity",
                     finding_severity_name(finding->severity), "title", facts->title, "subject",
                     text_of(bytes_of(finding->subject)), "what", text_of(bytes_of(finding->what)),
                     "why", facts->why, "advice", facts->advice, "rfc", facts->rfc);
}

json_t *check_json_item(const struct check_item *item)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < item->findings.count; i++) {
        json_array_append_new(findings, check_json_finding(&item->findings.items[i]));
    }
    return json_pack("{s:s, s:b, s:o, s:o}", "domain", item->domain.text, "ours", item->ours,
                     "observation", observation_of(&item->observation), "findings", findings);
}
