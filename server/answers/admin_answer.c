#include "admin_answer.h"

#include "server/answers/target.h"

static bool is_configured(const struct admin_answers *self, struct bytes host)
{
    for (size_t i = 0; i < self->host_count; i++) {
        if (bytes_equal(host, bytes_of(self->hosts[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_ours(const struct admin_answers *self, const struct dns_name *host)
{
    return target_is_address(host) || bytes_equal(dns_name_bytes(host), BYTES("localhost")) ||
           is_configured(self, dns_name_bytes(host));
}

static enum admin_page find_page(const struct target *target)
{
    static const struct {
        const char *path;
        const char *query;
        enum admin_page page;
    } rows[] = {
        {"/metrics", "", ADMIN_METRICS},
        {"/healthz", "", ADMIN_HEALTH},
        {"/readyz", "", ADMIN_READY},
        {"/readyz", "?strict", ADMIN_READY_STRICT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (bytes_equal(target->path, bytes_of(rows[i].path)) &&
            bytes_equal(target->query, bytes_of(rows[i].query))) {
            return rows[i].page;
        }
    }
    return ADMIN_PAGES;
}

void admin_answer(const void *context, const struct http_request *request,
                  struct http_answer *ret_answer)
{
    const struct admin_answers *self = context;
    struct target target;
    struct bytes nobody = BYTES("localhost"); /* in the place of a Host that is not there */
    bool has_host = request->authority.p != NULL;
    if (!target_parse(request->target, has_host ? request->authority : nobody, &target)) {
        http_answer_text(ret_answer, 400, BYTES("The request's host or target is none.\n"));
        return;
    }
    enum admin_page page = find_page(&target);
    if (!is_ours(self, &target.host)) {
        http_answer_text(ret_answer, 403,
                         BYTES("Ask by address, or name this host in listen.admin's hosts.\n"));
    } else if (page == ADMIN_PAGES) {
        http_answer_text(ret_answer, 404,
                         BYTES("Here are /metrics, /healthz, /readyz and /readyz?strict.\n"));
    } else if (!http_request_reads(request)) {
        http_answer_read_only(ret_answer, BYTES("This is read with GET or HEAD.\n"));
    } else {
        *ret_answer =
            (struct http_answer){.taker = self->taker, .taker_context = self->contexts[page]};
    }
}
