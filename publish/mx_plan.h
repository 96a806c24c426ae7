/* What a move of a domain's MX has come to (policies/model/mx_move.h), from the policy files, what
 * the server remembers and what stands in DNS; and the step that is due. */
#ifndef PUBLISH_MX_PLAN_H
#define PUBLISH_MX_PLAN_H

#include "lib/dns/resolver.h"
#include "policies/files/shared_users.h"
#include "policies/model/mx_move.h"
#include "policies/model/policy_id.h"
#include "publish/served_history.h"
#include "publish/workspace.h"

struct mx_plan_names {
    struct dns_name *items;
    size_t count;
    size_t capacity;
};
void mx_plan_names_add(struct mx_plan_names *names, const struct dns_name *name);
bool mx_plan_names_have(const struct mx_plan_names *names, struct bytes name);

/* What is asked for; all is borrowed. */
struct mx_plan_question {
    const struct workspace *workspace;
    const struct dns_resolver *resolver;
    const char *domain; /* as the user wrote it */
    const struct mx_plan_names *add;
    const struct mx_plan_names *remove;
    int64_t now_s;
};

struct mx_plan {
    const struct mx_plan_question *question;
    struct catalogue_view view; /* the domain's */
    struct shared_users users;
    struct served_history history;
    struct served_answer answer;
    struct mx_plan_names hosts; /* live */
    struct mx_move_held *held;
    struct policy_id id; /* that the record must have */
    struct mx_move_facts facts;
    struct mx_move move;
    bool known;           /* until when older texts are held; else it is a guess */
    char *record_unknown; /* why it is not known whether the record stands; owned; or NULL */
};

/* QUESTION is used for as long as the plan is. Clear either way. */
bool mx_plan_make(const struct mx_plan_question *question, struct mx_plan *ret_plan,
                  struct error *e) MUST_USE;
void mx_plan_clear(struct mx_plan *plan);

/* Who uses the shared policy that would change; NULL: the domain has one of its own. */
const struct shared_user *mx_plan_user(const struct mx_plan *plan);

/* Whether the next thing to do is to publish the record. */
static inline bool mx_plan_is_record_next(const struct mx_plan *plan)
{
    return plan->move.next == MX_MOVE_ANNOUNCE || plan->move.next == MX_MOVE_CONCLUDE;
}

#endif
