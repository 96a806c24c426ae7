#include "prune_rule.h"

#include "policies/model/policy_id.h"
#include "policies/model/txt_record.h"

enum { TXT_MAX = 64 * 1024 };

enum prune_verdict prune_judge(const struct leaving_item *item, bool configured, int64_t now_s)
{
    const struct {
        bool holds;
        enum prune_verdict verdict;
    } reasons[] = {
        {item->served || item->gone_s == 0, PRUNE_SERVED},
        {configured, PRUNE_CONFIGURED},
        {item->until_s > now_s, PRUNE_HELD},
        {!item->known || item->digest == NULL, PRUNE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
        if (reasons[i].holds) {
            return reasons[i].verdict;
        }
    }
    return PRUNE_MAY_GO;
}

/* Whether ID is one that we made, or derived, for the text with the hex DIGEST. */
static bool names_text(struct bytes id, const char *digest)
{
    int64_t time_s = 0;
    size_t digits = policy_id_time(id, &time_s) ? POLICY_ID_DIGEST : POLICY_ID_DERIVED;
    return id.n >= digits && strlen(digest) >= digits &&
           (digits == POLICY_ID_DIGEST || id.n == POLICY_ID_DERIVED) &&
           memcmp(id.p + id.n - digits, digest, digits) == 0;
}

/* The id in TEXT where it is written as we write it, else nothing. */
static struct bytes id_in(struct bytes text)
{
    static const char begin[] = "v=STSv1; id=";
    struct bytes id = {0};
    if (bytes_starts_with(text, bytes_of(begin)) && text.p[text.n - 1] == ';') {
        id = (struct bytes){text.p + sizeof(begin) - 1, text.n - sizeof(begin)};
    }
    CLEANUP(buffer_clear) struct buffer again = BUFFER(TXT_MAX);
    txt_record_sts(id, &again);
    return bytes_equal(buffer_bytes(&again), text) ? id : (struct bytes){0};
}

static bool is_our_alias(const struct prune_expectation *expectation, struct bytes target)
{
    const char *shared = expectation->item->shared;
    if (shared == NULL || expectation->delegate == NULL) {
        return false;
    }
    CLEANUP_FREE char *ours = memory_printf("_mta-sts.%s.%s", shared + 1, expectation->delegate);
    return bytes_equal_nocase(target, bytes_of(ours));
}

bool prune_is_ours(const struct prune_expectation *expectation, enum dns_record_kind kind,
                   struct bytes data)
{
    return kind == DNS_TXT ? names_text(id_in(data), expectation->item->digest)
                           : is_our_alias(expectation, data);
}

bool prune_is_our_tlsrpt(const struct prune_expectation *expectation, enum dns_record_kind kind,
                         struct bytes data)
{
    CLEANUP(buffer_clear) struct buffer ours = BUFFER(TXT_MAX);
    if (kind != DNS_TXT || expectation->tlsrpt == NULL) {
        return false;
    }
    txt_record_tlsrpt(bytes_of(expectation->tlsrpt), &ours);
    return bytes_equal(buffer_bytes(&ours), data);
}
