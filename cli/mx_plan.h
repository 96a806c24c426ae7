/* What a move of a domain's MX has come to (policies/model/mx_move.h), from the policy files, what
 * the server remembers and what stands in DNS. */
#ifndef CLI_MX_PLAN_H
#define CLI_MX_PLAN_H

#include "cli/invocation.h"
#include "cli/served_history.h"
#include "cli/shared_users.h"
#include "cli/workspace.h"
#include "lib/dns/resolver.h"
#include "policies/model/mx_move.h"
#include "policies/model/policy_id.h"

struct mx_plan_names {
    struct dns_name *items;
    size_t count;
    size_t capacity;
};

struct mx_plan {
    struct workspace workspace;
    struct catalogue_view view; /* the domain's */
    struct shared_users users;
    struct served_history history;
    struct served_answer answer;
    struct mx_plan_names hosts; /* live */
    struct mx_move_held *held;
    struct policy_id id; /* that the record must have */
    struct mx_move_facts facts;
    struct mx_move move;
    bool known; /* until when older texts are held; else it is a guess */
};

/* ADD and REMOVE are borrowed for as long as the plan is used. False: told on stderr. Clear either
 * way. */
bool mx_plan_open(const struct invocation *invocation, const struct dns_resolver *resolver,
                  const struct mx_plan_names *add, const struct mx_plan_names *remove,
                  struct mx_plan *ret_plan);
void mx_plan_clear(struct mx_plan *plan);

/* Who uses the shared policy that would change; NULL: the domain has one of its own. */
const struct shared_user *mx_plan_user(const struct mx_plan *plan);

#endif
