/* The sender matrix: what each deployed sender makes of what was seen of a domain. Pure.
 *
 *     struct sender_judgement matrix[SENDER_COUNT];
 *     sender_rules_judge(&observation, matrix);
 *
 * The rules were read in the senders' sources (of the closed ones in their documentation) in 2026,
 * and where one can be run in a test (postfix-mta-sts-resolver, mailauth) a scenario holds the rule
 * against what it does. What nobody has looked at is "not established", never guessed. */
#ifndef CHECKS_SENDER_RULES_H
#define CHECKS_SENDER_RULES_H

#include "checks/observation.h"

enum sender_verdict {
    SENDER_ACCEPTS,         /* finds and follows the policy */
    SENDER_FALLS_BACK,      /* the same, after it found an address dead */
    SENDER_NOT_ESTABLISHED, /* what it makes of this is not known */
    SENDER_REFUSES,         /* has no policy by it, or cannot keep to it */
};

enum { SENDER_COUNT = 9, SENDER_REASON_SIZE = 256 };

struct sender_judgement {
    const char *sender;
    enum sender_verdict verdict;
    char reason[SENDER_REASON_SIZE]; /* of SENDER_ACCEPTS: what it takes otherwise; may be empty */
};

void sender_rules_judge(const struct observation *observation,
                        struct sender_judgement ret_matrix[SENDER_COUNT]);

/* "accepts", "falls back", "not established", "refuses" */
const char *sender_verdict_name(enum sender_verdict verdict);

#endif
