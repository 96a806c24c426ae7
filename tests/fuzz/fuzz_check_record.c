/* Whatever stands in the TXT records of _mta-sts: the judgement agrees with how senders choose the
 * record, says of each fault one thing, and says the same when asked again. The input's lines are
 * the records. */
#include <stdint.h>
#include <stdlib.h>

#include "checks/findings.h"
#include "policies/model/sts_record.h"

enum { TEXTS_MAX = 8, TTL_S = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_about_record(enum finding_kind kind)
{
    return kind == FINDING_RECORD_NOT_STS || kind == FINDING_RECORD_DUPLICATE ||
           kind == FINDING_RECORD_MALFORMED || kind == FINDING_RECORD_ID_MISSING ||
           kind == FINDING_RECORD_ID_INVALID;
}

static void judge(const struct observation *observation, struct findings *findings)
{
    size_t errors = 0;
    findings_judge(observation, NULL, findings);
    for (size_t i = 0; i < findings->count; i++) {
        errors += is_about_record(findings->items[i].kind);
    }
    struct error e = {0};
    struct sts_record record;
    bool valid =
        sts_record_choose(observation->sts.texts.items, observation->sts.texts.count, &record, &e);
    if (errors != (valid ? 0 : 1)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {(const char *)data, size};
    struct bytes texts[TEXTS_MAX];
    struct observation observation = {.domain = {.n = 1, .text = "d"},
                                      .mx_trace.outcome = DNS_EMPTY,
                                      .sts.trace = {.outcome = DNS_FOUND, .ttl_s = TTL_S},
                                      .sts.texts.items = texts};
    size_t count = 0;
    do {
        const char *end = rest.n != 0 ? memchr(rest.p, '\n', rest.n) : NULL;
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        texts[count++] = (struct bytes){rest.p, n};
        rest = bytes_skip(rest, n + 1);
    } while (rest.n != 0 && count < TEXTS_MAX);
    observation.sts.texts.count = count;
    CLEANUP(findings_clear) struct findings first = {0};
    CLEANUP(findings_clear) struct findings second = {0};
    judge(&observation, &first);
    judge(&observation, &second);
    for (size_t i = 0; i < first.count; i++) {
        if (first.count != second.count || first.items[i].kind != second.items[i].kind ||
            strcmp(first.items[i].what, second.items[i].what) != 0) {
            abort();
        }
    }
    return 0;
}
