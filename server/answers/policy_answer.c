#include "policy_answer.h"

#include <stdatomic.h>

#include "lib/base/rcu_table.h"
#include "server/answers/entity_tag.h"
#include "server/answers/target.h"

static bool has_copy(const struct http_request *request, struct bytes etag)
{
    for (size_t i = 0; i < request->if_none_match_count; i++) {
        if (entity_tag_matches(request->if_none_match[i], etag)) {
            return true;
        }
    }
    return false;
}

/* POLICY may be gone after the read section: what is answered is a copy, tag behind body. */
static void put_policy(const struct policy *policy, const struct http_request *request,
                       struct http_answer *ret_answer)
{
    struct bytes body = policy_body(policy);
    struct bytes etag = bytes_of(policy->etag);
    char *copy = memory_alloc(body.n + etag.n);
    memcpy(copy, body.p, body.n);
    memcpy(copy + body.n, etag.p, etag.n);
    etag.p = copy + body.n;
    if (has_copy(request, etag)) {
        *ret_answer = (struct http_answer){.status = 304, .owned = copy};
        http_answer_field(ret_answer, BYTES("cache-control"), BYTES("no-cache"));
    } else {
        /* A cache asks each time: an old policy under a new id would stay with senders for
         * max_age. */
        http_answer_owned_text(ret_answer, 200, copy, body.n);
    }
    http_answer_field(ret_answer, BYTES("etag"), etag);
}

static void answer_for(const struct policy_answers *self, struct bytes domain,
                       const struct http_request *request, struct http_answer *ret_answer)
{
    bool known = atomic_load(self->known); /* before the look */
    rcu_read_begin();
    const struct policy *policy = policy_index_find(self->policies, domain);
    if (policy != NULL) {
        put_policy(policy, request, ret_answer);
    }
    rcu_read_end();
    if (policy == NULL && known) {
        http_answer_not_served(ret_answer);
    } else if (policy == NULL) {
        http_answer_not_yet(ret_answer);
    }
}

static bool is_misdirected(const struct http_request *request, const struct target *target)
{
    return request->server_name != NULL &&
           !bytes_equal(dns_name_bytes(&target->host), dns_name_bytes(request->server_name));
}

void policy_answer(const void *context, const struct http_request *request,
                   struct http_answer *ret_answer)
{
    const struct policy_answers *self = context;
    struct target target;
    if (!target_parse(request->target, request->authority, &target)) {
        http_answer_text(ret_answer, 400, BYTES("The request names no host.\n"));
        return;
    }
    bool is_policy = bytes_equal(target.path, BYTES(POLICY_PATH));
    bool is_root = bytes_equal(target.path, BYTES("/")) && self->root_text.p != NULL;
    if (is_misdirected(request, &target)) {
        http_answer_text(ret_answer, 421,
                         BYTES("This connection was made for another host name.\n"));
    } else if (!is_policy && !is_root) {
        http_answer_text(ret_answer, 404, BYTES("Nothing is here but " POLICY_PATH ".\n"));
    } else if (!http_request_reads(request)) {
        http_answer_read_only(ret_answer, BYTES("Policies are read with GET or HEAD.\n"));
    } else if (is_policy) {
        answer_for(self, target_policy_domain(&target.host), request, ret_answer);
    } else {
        http_answer_text(ret_answer, 200, self->root_text);
    }
}
