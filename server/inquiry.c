#include "server/server_state.h"

struct inquiry *inquiry_new(struct server *server, uint64_t ticket,
                            void (*answered)(struct inquiry *inquiry))
{
    struct inquiry *inquiry = memory_zero(1, sizeof(*inquiry));
    inquiry->server = server;
    inquiry->ticket = ticket;
    inquiry->answered = answered;
    inquiry->next = server->inquiries;
    server->inquiries = inquiry;
    return inquiry;
}

static void inquiry_free(struct inquiry *inquiry)
{
    struct inquiry **place = &inquiry->server->inquiries;
    while (*place != inquiry) {
        place = &(*place)->next;
    }
    *place = inquiry->next;
    loader_status_free(inquiry->status);
    if (inquiry->acme != NULL) {
        acme_status_free(inquiry->acme);
    }
    mirror_status_free(inquiry->mirror);
    loader_owners_free(inquiry->owners);
    panel_work_free(inquiry->panel);
    settings_free(inquiry->outdated);
    free(inquiry->trouble);
    free(inquiry);
}

/* Back on the main thread. */
static void deliver(void *context)
{
    struct inquiry *inquiry = context;
    inquiry->answered(inquiry);
    inquiry_free(inquiry);
}

void inquiry_post(struct inquiry *inquiry)
{
    mailbox_post(inquiry->server->mailbox, deliver, inquiry);
}

void inquiry_on_reload(const struct policy_set_result *result, struct loader_status *status,
                       void *context)
{
    struct inquiry *inquiry = context;
    inquiry->result = *result;
    inquiry->status = status;
    inquiry_post(inquiry);
}

void inquiry_on_status(struct loader_status *status, void *context)
{
    struct inquiry *inquiry = context;
    inquiry->status = status;
    inquiry_post(inquiry);
}

void inquiry_on_owners(struct loader_owners *owners, void *context)
{
    struct inquiry *inquiry = context;
    inquiry->owners = owners;
    inquiry_post(inquiry);
}

void inquiry_on_acme_status(struct acme_status *status, void *context)
{
    struct inquiry *inquiry = context;
    inquiry->acme = status;
    inquiry_post(inquiry);
}

void inquiry_on_mirror_status(struct mirror_status *status, void *context)
{
    struct inquiry *inquiry = context;
    inquiry->mirror = status;
    inquiry_post(inquiry);
}

void inquiry_on_acme_done(const char *failure, void *context)
{
    struct inquiry *inquiry = context;
    inquiry->trouble = memory_string_or_null(failure);
    inquiry_post(inquiry);
}

void inquiries_free(struct server *server)
{
    while (server->inquiries != NULL) {
        inquiry_free(server->inquiries);
    }
}
