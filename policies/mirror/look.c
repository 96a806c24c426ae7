#include "look.h"

#include "lib/dns/lookup.h"
#include "policies/model/policy_fetch.h"
#include "policies/model/policy_text.h"
#include "policies/model/sts_record.h"

static bool find_id(const struct look_question *question, struct policy_id *ret_id, struct error *e)
{
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%.*s", BYTES_ARG(question->domain));
    CLEANUP(dns_txt_set_clear) struct dns_txt_set texts = {0};
    struct sts_record record;
    if (!dns_lookup_txt(question->resolver, bytes_of(name), &texts, e) ||
        !sts_record_choose(texts.items, texts.count, &record, e)) {
        return error_prefix(e, "%s: ", name);
    }
    memcpy(ret_id->text, record.id.p, record.id.n); /* at most STS_RECORD_ID_MAX, as ours */
    ret_id->text[record.id.n] = '\0';
    return true;
}

static bool fetch(const struct look_question *question, struct policy **ret_policy, struct error *e)
{
    const struct policy_fetch_options options = {
        .resolver = question->resolver,
        .connect_to = question->connect_to,
        .ca_file = question->ca_file,
        .timeout_ms = question->timeout_ms,
        .abandon = question->abandon,
        .rule = question->rule,
        .rule_option = "mirror.addresses",
    };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP_FREE char *domain = memory_string_of(question->domain);
    if (!policy_fetch(question->domain, &options, &text, e)) {
        return false;
    }
    if (policy_text_parse(buffer_bytes(&text), domain, ret_policy, &d)) {
        return true;
    }
    size_t i = 0;
    while (i + 1 < d.count && d.items[i].severity != SEVERITY_ERROR) {
        i++;
    }
    CLEANUP_FREE char *line = d.count != 0 ? diagnostic_format(&d.items[i]) : NULL;
    return error_set(e, ERROR_SYNTAX, "its policy is not valid: %s", line != NULL ? line : domain);
}

bool look_at_upstream(const struct look_question *question, struct look_answer *ret_answer,
                      struct error *e)
{
    struct look_answer answer = {0};
    if (!find_id(question, &answer.id, e)) {
        return false;
    }
    answer.fetched = question->fetch || strcmp(answer.id.text, question->known.text) != 0;
    if (answer.fetched && !fetch(question, &answer.policy, e)) {
        return false;
    }
    *ret_answer = answer;
    return true;
}
