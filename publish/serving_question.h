/* Asking a server which texts it serves, many domains in one request (server/control/control.h,
 * `serving`). Pure: values to a request, a reply to values.
 *
 *     for (size_t next = 0; next < count;) {
 *         json_t *request = serving_question_make(items, count, next, &end);
 *         … reply …
 *         next = serving_question_judge(items, next, end, reply);
 *     } */
#ifndef PUBLISH_SERVING_QUESTION_H
#define PUBLISH_SERVING_QUESTION_H

#include <jansson.h>

#include "policies/model/policy.h"

/* Whether the text of POLICY is served for DOMAIN. */
struct serving_item {
    char *domain;                /* owned */
    const struct policy *policy; /* borrowed */
    bool served;
    char *why; /* the last answer, where it is not served; owned */
};
void serving_item_clear(struct serving_item *item);

/* ITEM is not served, as WHY (copied) says. */
void serving_item_deny(struct serving_item *item, const char *why);
/* BODY was served for it. */
void serving_item_judge(struct serving_item *item, struct bytes body);

/* About those from NEXT on that are not known to be served, as many as a request holds: those
 * before *RET_END. NULL: there are none. The caller frees with json_decref. */
json_t *serving_question_make(const struct serving_item *items, size_t count, size_t next,
                              size_t *ret_end);

/* Judges by REPLY what was asked about. Returns where to go on: an older server has answered for
 * the first of them alone. */
size_t serving_question_judge(struct serving_item *items, size_t next, size_t end,
                              const json_t *reply);

#endif
