/* What other threads ask of the loader. */
#include "lib/base/clock.h"
#include "policies/loader/loader_parts.h"

struct reload {
    struct loader *loader;
    struct loader_accept *accept; /* owned; NULL: nothing is accepted */
    struct loader_accept not_held;
    struct policy_set_result result;
    void (*done)(const struct policy_set_result *result, struct loader_status *status,
                 void *context);
    void *context;
};

static void free_reload(struct reload *reload)
{
    loader_accept_free(reload->accept);
    loader_accept_clear(&reload->not_held);
    free(reload);
}

static void do_answer_reload(void *message)
{
    struct reload *reload = message;
    if (!atomic_load(&reload->loader->abandon)) {
        struct loader_status *status = loader_picture(reload->loader);
        status->not_held = reload->not_held;
        reload->not_held = (struct loader_accept){0};
        reload->done(&reload->result, status, reload->context);
    }
    free_reload(reload);
}

/* Before the answer: who waited for it may ask the history next. */
static void reload_is_noted(void *context)
{
    struct reload *reload = context;
    mailbox_post(reload->loader->mailbox, do_answer_reload, reload);
}

static void do_reload(void *message)
{
    struct reload *reload = message;
    struct loader *loader = reload->loader;
    if (atomic_load(&loader->abandon)) {
        free_reload(reload);
        return;
    }
    loader->reloads++;
    loader->expiry_ms = 0;
    memory_writer_retry_now(loader->memory);
    loader_rescan(loader, &reload->result);
    if (reload->accept != NULL) {
        loader_accept_removals(loader, reload->accept, &reload->result, &reload->not_held);
    }
    loader_note_served(loader);
    served_notes_when_tried(loader->notes, reload_is_noted, reload);
}

void loader_reload(struct loader *loader, const struct loader_accept *accept,
                   void (*done)(const struct policy_set_result *result,
                                struct loader_status *status, void *context),
                   void *context)
{
    struct reload *reload = memory_zero(1, sizeof(*reload));
    *reload = (struct reload){.loader = loader, .done = done, .context = context};
    loader_accept_merge(&reload->accept, accept);
    mailbox_post(loader->mailbox, do_reload, reload);
}

struct resettling {
    struct loader *loader;
    const struct settings *settings;
};

static void do_apply_settings(void *message)
{
    struct resettling *resettling = message;
    loader_use_settings(resettling->loader, resettling->settings);
    free(resettling);
}

void loader_apply_settings(struct loader *loader, const struct settings *settings)
{
    struct resettling *resettling = memory_zero(1, sizeof(*resettling));
    *resettling = (struct resettling){loader, settings};
    mailbox_post(loader->mailbox, do_apply_settings, resettling);
}

struct swap {
    struct loader *loader;
    struct certificate_pair *new;
    struct certificate_pair *old;
};

static void do_swap(void *message)
{
    struct swap *swap = message;
    struct loader *loader = swap->loader;
    struct certificate_table *table = loader->tables->certificates;
    bool abandoned = atomic_load(&loader->abandon);
    if (swap->new != NULL && !abandoned) {
        certificate_table_add(table, swap->new);
    }
    if (swap->old != NULL && !abandoned) {
        certificate_table_remove(table, swap->old);
    }
    loader->version++;
    loader->last_change_s = abandoned ? loader->last_change_s : clock_wall_s();
    certificate_pair_unref(swap->new);
    certificate_pair_unref(swap->old);
    free(swap);
}

void loader_swap_certificate(struct loader *loader, struct certificate_pair *new,
                             struct certificate_pair *old)
{
    struct swap *swap = memory_zero(1, sizeof(*swap));
    *swap = (struct swap){loader, new, old};
    mailbox_post(loader->mailbox, do_swap, swap);
}

struct mirrored {
    struct loader *loader;
    char *domain;
    struct policy *policy;
};

static void do_put_mirror(void *message)
{
    struct mirrored *mirrored = message;
    struct loader *loader = mirrored->loader;
    struct policy_set_result result = {0};
    if (!atomic_load(&loader->abandon)) {
        loader_note_served(loader); /* with a time of its own: what comes now comes later */
        policy_set_put_mirror(loader->policies, bytes_of(mirrored->domain), TAKE(mirrored->policy),
                              &result);
        loader_tell_applied(loader, &result, 0);
        loader_note_served(loader);
    }
    policy_free(mirrored->policy);
    free(mirrored->domain);
    free(mirrored);
}

void loader_put_mirror(struct loader *loader, const char *domain, struct policy *policy)
{
    struct mirrored *mirrored = memory_zero(1, sizeof(*mirrored));
    *mirrored = (struct mirrored){loader, memory_string(domain), policy};
    mailbox_post(loader->mailbox, do_put_mirror, mirrored);
}

struct catching_up {
    struct loader *loader;
    void (*done)(void *context);
    void *context;
};

static void do_catch_up(void *message)
{
    struct catching_up *catching_up = message;
    if (!atomic_load(&catching_up->loader->abandon)) {
        catching_up->done(catching_up->context);
    }
    free(catching_up);
}

void loader_catch_up(struct loader *loader, void (*done)(void *context), void *context)
{
    struct catching_up *catching_up = memory_zero(1, sizeof(*catching_up));
    *catching_up = (struct catching_up){loader, done, context};
    mailbox_post(loader->mailbox, do_catch_up, catching_up);
}

static void do_nothing(void *message)
{
    (void)message; /* the turn itself is what was asked for */
}

void loader_nudge(struct loader *loader)
{
    mailbox_post(loader->mailbox, do_nothing, NULL);
}

static void do_stop(void *message)
{
    struct loader *loader = message;
    loader->stop = true;
}

void loader_post_stop(struct loader *loader)
{
    mailbox_post(loader->mailbox, do_stop, loader);
}
