#include "policy_handler.h"

#include <stdatomic.h>

#include "base/memory.h"
#include "server/answer.h"
#include "server/entity_tag.h"
#include "server/request.h"

struct policy_handler {
    h2o_handler_t super;
    const struct policy_index *policies;
    const _Atomic bool *known;
    char *root_text;
    bool check_sni;
};

/* A policy as this request needs it: in the request's pool, out of reach of any edit. */
struct copy {
    h2o_iovec_t body;
    h2o_iovec_t etag;
};

static bool copy_policy(const struct policy_index *policies, struct bytes domain, h2o_req_t *req,
                        struct copy *ret_copy)
{
    rcu_read_begin();
    const struct policy *policy = policy_index_find(policies, domain);
    if (policy != NULL) {
        struct bytes body = policy_body(policy);
        ret_copy->body = h2o_strdup(&req->pool, body.p, body.n);
        ret_copy->etag = h2o_strdup(&req->pool, policy->etag, strlen(policy->etag));
    }
    rcu_read_end();
    return policy != NULL;
}

/* The field may stand there several times. */
static bool has_copy(const h2o_req_t *req, h2o_iovec_t etag)
{
    ssize_t at = -1;
    while ((at = h2o_find_header(&req->headers, H2O_TOKEN_IF_NONE_MATCH, at)) != -1) {
        if (entity_tag_matches(request_bytes(req->headers.entries[at].value),
                               request_bytes(etag))) {
            return true;
        }
    }
    return false;
}

static void answer_not_modified(h2o_req_t *req)
{
    req->res.status = 304;
    req->res.reason = "Not Modified";
    answer_without_body(req);
}

static void answer_policy(const struct policy_handler *self, h2o_req_t *req, struct bytes domain)
{
    struct copy copy;
    bool known = atomic_load(self->known); /* before the look */
    if (!copy_policy(self->policies, domain, req, &copy)) {
        if (known) {
            answer_text(req, 404, "Not Found", "No MTA-STS policy is served for this name.");
        } else {
            answer_not_yet(req);
        }
        return;
    }
    /* A cache asks each time: an old policy under a new id would stay with senders for max_age. */
    answer_field(req, H2O_TOKEN_CACHE_CONTROL, H2O_STRLIT("no-cache"));
    answer_field(req, H2O_TOKEN_ETAG, copy.etag.base, copy.etag.len);
    if (has_copy(req, copy.etag)) {
        answer_not_modified(req);
    } else {
        req->res.status = 200;
        req->res.reason = "OK";
        answer_body(req, copy.body);
    }
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct policy_handler *self = (const struct policy_handler *)handler;
    struct request request;
    if (!request_begin(req, &request)) {
        return 0;
    }
    const struct target *target = &request.target;
    bool is_policy = bytes_equal(target->path, BYTES(POLICY_PATH));
    bool is_root = bytes_equal(target->path, BYTES("/")) && self->root_text != NULL;
    if (self->check_sni &&
        !bytes_equal(dns_name_bytes(&target->host), dns_name_bytes(&request.connection->name))) {
        answer_text(req, 421, "Misdirected Request",
                    "This connection was made for another host name.");
    } else if (!is_policy && !is_root) {
        answer_text(req, 404, "Not Found", "Nothing is here but " POLICY_PATH ".");
    } else if (!request_reads(req)) {
        answer_read_only(req, "Policies are read with GET or HEAD.");
    } else if (is_policy) {
        answer_policy(self, req, target_policy_domain(&target->host));
    } else {
        answer_text(req, 200, "OK", self->root_text);
    }
    return 0;
}

static void on_dispose(h2o_handler_t *handler)
{
    free(((struct policy_handler *)handler)->root_text);
}

void policy_handler_register(h2o_pathconf_t *path, const struct policy_handler_options *options)
{
    struct policy_handler *self = (void *)h2o_create_handler(path, sizeof(*self));
    self->super.on_req = on_request;
    self->super.dispose = on_dispose;
    self->policies = options->policies;
    self->known = options->known;
    self->root_text = memory_string_or_null(options->root_text);
    self->check_sni = options->check_sni;
}
