#include "checks/judge_parts.h"
#include "policies/model/policy_id.h"

enum { NAMED_MAX = 6 };

static void judge_max_age(struct judge *judge)
{
    uint32_t max_age_s = judge->policy->max_age_s;
    if (judge->policy->mode == POLICY_NONE) {
        return; /* one that is retired is right to be short */
    }
    if (max_age_s < MAX_AGE_SHORT_S) {
        judge_add(judge, FINDING_MAX_AGE_SHORT, judge->policy_host, "max_age is %u s", max_age_s);
    } else if (max_age_s > MAX_AGE_LONG_S) {
        judge_add(judge, FINDING_MAX_AGE_LONG, judge->policy_host, "max_age is %u s", max_age_s);
    }
}

/* An id of our form says which policy it stands for. */
static void judge_id(struct judge *judge)
{
    if (judge->has_record && policy_id_judge(judge->record.id, judge->policy) == POLICY_ID_STALE) {
        judge_add(judge, FINDING_ID_STALE, judge->seen->domain.text,
                  "the id %.*s does not stand for the policy that is served",
                  BYTES_ARG(judge->record.id));
    }
}

static void judge_ours(struct judge *judge)
{
    const struct expectation *expected = judge->expected;
    if (judge->policy != NULL && !policy_equal(judge->policy, expected->policy)) {
        judge_add(judge, FINDING_POLICY_NOT_OURS, judge->policy_host,
                  "the policy that is served (mode %s, max_age %u) is not the one of the "
                  "configuration (mode %s, max_age %u)",
                  policy_mode_name(judge->policy->mode), judge->policy->max_age_s,
                  policy_mode_name(expected->policy->mode), expected->policy->max_age_s);
    }
    if (judge->has_record && !bytes_equal(judge->record.id, bytes_of(expected->id.text))) {
        judge_add(judge, FINDING_ID_NOT_OURS, judge->seen->domain.text,
                  "the record has id %.*s, the configuration %s", BYTES_ARG(judge->record.id),
                  expected->id.text);
    }
    if (expected->id_untied) {
        judge_add(judge, FINDING_ID_UNTIED, judge->seen->domain.text,
                  "the id %s is not of our form", expected->id.text);
    }
}

void judge_policy(struct judge *judge)
{
    if (judge->policy != NULL) {
        judge_max_age(judge);
        judge_id(judge);
    }
    if (judge->expected != NULL) {
        judge_ours(judge);
    }
}

/* What would lose mail or protection in enforce: what is left to do before. */
static size_t name_obstacles(const struct judge *judge, struct buffer *names)
{
    size_t count = 0;
    for (size_t i = 0; i < judge->findings->count; i++) {
        const struct finding *finding = &judge->findings->items[i];
        const struct finding_facts *facts = finding_facts(finding->kind);
        if (facts->severity == FINDING_ERROR && ++count <= NAMED_MAX) {
            buffer_printf(names, "%s%s", count > 1 ? ", " : "", facts->code);
        }
    }
    return count;
}

/* Last of all, as it sums up. */
void judge_mode(struct judge *judge)
{
    enum { NAMES_MAX = 300 };
    if (judge->policy == NULL || judge->policy->mode == POLICY_ENFORCE) {
        return;
    }
    if (judge->policy->mode == POLICY_NONE) {
        judge_add(judge, FINDING_MODE_NONE, judge->policy_host, "the policy's mode is none");
        return;
    }
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    size_t count = name_obstacles(judge, &names);
    if (count == 0) {
        judge_add(judge, FINDING_MODE_TESTING, judge->policy_host,
                  "nothing that can be seen from here stands between it and enforce");
    } else {
        judge_add(judge, FINDING_MODE_TESTING, judge->policy_host, "missing for enforce: %.*s%s",
                  BYTES_ARG(buffer_bytes(&names)), count > NAMED_MAX ? " …" : "");
    }
}
