#include "checks/judge_parts.h"

#define SHOW(shown) dns_name_show(shown).text

bool judge_dns(struct judge *judge, const struct dns_trace *trace, const char *name,
               const char *type)
{
    static const struct {
        enum dns_outcome outcome;
        enum finding_kind kind;
    } rows[] = {
        {DNS_FAILED, FINDING_DNS_FAILED},         {DNS_UNREACHED, FINDING_DNS_LAME},
        {DNS_BOGUS, FINDING_DNS_BOGUS},           {DNS_NO_ANSWER, FINDING_DNS_TIMEOUT},
        {DNS_ALIAS_LOOP, FINDING_DNS_ALIAS_LOOP}, {DNS_UNUSABLE, FINDING_DNS_UNUSABLE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].outcome == trace->outcome) {
            judge_add(judge, rows[i].kind, name, "%s records of %s: %s", type, name, trace->why);
            return false;
        }
    }
    if (trace->outcome == DNS_NO_NAME && trace->alias_count != 0) {
        judge_add(judge, FINDING_DNS_ALIAS_DANGLING, name,
                  "%s is a CNAME to %s, which is not there", name,
                  trace->aliases[trace->alias_count - 1].text);
        return false;
    }
    return true;
}

/* Whether one of the fields, however they are written, is an id; a rough look at what the grammar
 * has refused. */
static bool has_id(struct bytes text)
{
    bool begins = false; /* a field */
    for (size_t i = 0; i + 2 < text.n; i++) {
        if (begins && bytes_starts_with(bytes_skip(text, i), BYTES("id="))) {
            return true;
        }
        begins = text.p[i] == ';' || (begins && (text.p[i] == ' ' || text.p[i] == '\t'));
    }
    return false;
}

static void judge_refused(struct judge *judge, struct bytes text, const char *name,
                          const struct error *e)
{
    bool about_id = strncmp(e->text, "the id", strlen("the id")) == 0;
    enum finding_kind kind = about_id        ? FINDING_RECORD_ID_INVALID
                             : !has_id(text) ? FINDING_RECORD_ID_MISSING
                                             : FINDING_RECORD_MALFORMED;
    judge_add(judge, kind, name, "\"%s\": %s", SHOW(text), e->text);
}

/* The one record that begins as one should. */
static void judge_text(struct judge *judge, struct bytes text, const char *name)
{
    struct error e;
    if (!sts_record_parse(text, &judge->record, &e)) {
        judge_refused(judge, text, name, &e);
        return;
    }
    judge->has_record = true;
    if (!judge->record.usual) {
        judge_add(judge, FINDING_RECORD_FORM, name, "the record reads \"%s\"", SHOW(text));
    }
}

/* Quotes belong to the zone file: whoever types them into a panel has them in the text. */
static const char *quotes_of(struct bytes text)
{
    struct bytes inner = bytes_skip(text, 1);
    return text.n > 1 && text.p[0] == '"' && sts_record_is_one(inner)
               ? "; the quotes are in it: write it without them"
               : "";
}

static void judge_texts(struct judge *judge, const char *name)
{
    const struct dns_txt_set *texts = &judge->seen->sts.texts;
    size_t count = 0;
    size_t chosen = 0;
    for (size_t i = 0; i < texts->count; i++) {
        if (sts_record_is_one(texts->items[i])) {
            count++;
            chosen = i;
        }
    }
    if (count == 0) {
        judge_add(judge, FINDING_RECORD_NOT_STS, name, "the TXT record reads \"%s\"%s",
                  SHOW(texts->items[0]), quotes_of(texts->items[0]));
        return;
    }
    if (count > 1) {
        judge_add(judge, FINDING_RECORD_DUPLICATE, name, "%zu records begin with v=STSv1", count);
    } else {
        judge_text(judge, texts->items[chosen], name);
    }
    if (texts->count > count) {
        size_t other = chosen == 0 ? texts->count - 1 : 0;
        judge_add(judge, FINDING_RECORD_OTHER_TEXT, name, "%zu more TXT records, as in \"%s\"",
                  texts->count - count, SHOW(texts->items[other]));
    }
}

void judge_record(struct judge *judge)
{
    const struct observation *seen = judge->seen;
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%s", seen->domain.text);
    if (!judge_dns(judge, &seen->sts.trace, name, "TXT")) {
        return;
    }
    if (seen->sts.texts.count != 0) {
        judge_texts(judge, name);
        if (seen->sts.trace.ttl_s > RECORD_TTL_LONG_S) {
            judge_add(judge, FINDING_RECORD_TTL_LONG, name, "its TTL is %u s",
                      seen->sts.trace.ttl_s);
        }
    } else if (seen->misplaced.n != 0) {
        judge_add(judge, FINDING_RECORD_MISPLACED, name, "it stands at %s, and not at %s",
                  seen->misplaced.text, name);
    } else if (judge->policy != NULL || judge->expected != NULL) {
        judge_add(judge, FINDING_RECORD_MISSING, name, "there is no TXT record at %s", name);
    } else {
        judge_add(judge, FINDING_NO_MTA_STS, seen->domain.text, "%s has no MTA-STS record",
                  seen->domain.text);
    }
}

/* --- Reports (RFC 8460 §3) --- */

static bool is_report_record(struct bytes text)
{
    return bytes_starts_with(text, BYTES("v=TLSRPTv1"));
}

static bool is_uri(struct bytes uri)
{
    return (bytes_starts_with(uri, BYTES("mailto:")) && uri.n > strlen("mailto:")) ||
           (bytes_starts_with(uri, BYTES("https://")) && uri.n > strlen("https://"));
}

/* "; rua=URI,URI" with white space where the grammar has it; extension fields may stand before. */
static bool has_addresses(struct bytes text)
{
    text = bytes_skip(text, strlen("v=TLSRPTv1"));
    while (text.n != 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text = bytes_skip(text, 1);
    }
    if (text.n == 0 || text.p[0] != ';') {
        return false;
    }
    bool begins = false; /* a field */
    for (; text.n != 0; text = bytes_skip(text, 1)) {
        if (begins && bytes_starts_with(text, BYTES("rua="))) {
            return is_uri(bytes_skip(text, strlen("rua=")));
        }
        begins = text.p[0] == ';' || (begins && (text.p[0] == ' ' || text.p[0] == '\t'));
    }
    return false;
}

void judge_reports(struct judge *judge)
{
    const struct observed_txt *seen = &judge->seen->tlsrpt;
    CLEANUP_FREE char *name = memory_printf("_smtp._tls.%s", judge->seen->domain.text);
    struct bytes text = {NULL, 0};
    size_t count = 0;
    if (seen->trace.outcome == DNS_NOT_ASKED) {
        return;
    }
    if (dns_outcome_is_failure(seen->trace.outcome)) {
        judge_add(judge, FINDING_TLSRPT_DNS, name, "TXT records of %s: %s", name, seen->trace.why);
        return;
    }
    for (size_t i = 0; i < seen->texts.count; i++) {
        if (is_report_record(seen->texts.items[i])) {
            count++;
            text = seen->texts.items[i];
        }
    }
    if (count == 0 && seen->texts.count != 0) {
        judge_add(judge, FINDING_TLSRPT_MALFORMED, name, "the TXT record reads \"%s\"",
                  SHOW(seen->texts.items[0]));
    } else if (count == 0) {
        judge_add(judge, FINDING_TLSRPT_MISSING, name, "there is no TXT record at %s", name);
    } else if (count > 1) {
        judge_add(judge, FINDING_TLSRPT_DUPLICATE, name, "%zu records begin with v=TLSRPTv1",
                  count);
    } else if (!has_addresses(text)) {
        judge_add(judge, FINDING_TLSRPT_MALFORMED, name,
                  "\"%s\" has no rua with mailto: or https: after v=TLSRPTv1;", SHOW(text));
    }
}
