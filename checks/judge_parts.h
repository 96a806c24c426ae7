/* What the files of findings.h share: each judges one part of an observation. */
#ifndef CHECKS_JUDGE_PARTS_H
#define CHECKS_JUDGE_PARTS_H

#include "checks/findings.h"
#include "policies/model/sts_record.h"

struct judge {
    const struct observation *seen;
    const struct expectation *expected; /* NULL: not ours */
    struct findings *findings;
    const struct policy *policy; /* what is served; NULL: nothing that can be used */
    bool has_record;             /* and it is valid: … */
    struct sts_record record;
    char *policy_host;
};

/* SUBJECT is copied; the format says what was seen. */
void judge_add(struct judge *judge, enum finding_kind kind, const char *subject, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/* A look-up of NAME's records. True: there are some, or there might be none; false: it was told. */
bool judge_dns(struct judge *judge, const struct dns_trace *trace, const char *name,
               const char *type);

/* The same kinds of finding for the policy host and for an MX. */
struct judge_certificate_kinds {
    enum finding_kind expired, not_yet_valid, wrong_name, self_signed, chain_incomplete,
        chain_expired, untrusted, weak, invalid, expires_soon;
};
void judge_certificate(struct judge *judge, const struct observed_certificate *certificate,
                       const struct judge_certificate_kinds *kinds, const char *subject);

/* In this order. */
void judge_record(struct judge *judge);
void judge_host(struct judge *judge);
void judge_policy(struct judge *judge);
void judge_mx(struct judge *judge);
void judge_reports(struct judge *judge);
void judge_mode(struct judge *judge);

#endif
