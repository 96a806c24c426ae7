#include "mirror.h"

#include <limits.h>
#include <poll.h>

#include <curl/curl.h>

#include "lib/base/clock.h"
#include "lib/base/thread.h"
#include "policies/mirror/mirror_parts.h"

enum {
    ATTEMPT_MS = 2000,  /* for one name server */
    DEADLINE_MS = 5000, /* for one look-up: a stop waits for it */
};

static void *run(void *context)
{
    struct mirror *mirror = context;
    while (!mirror->stop) {
        int64_t now_ms = clock_monotonic_ms();
        int64_t due_ms = mirror_begin_looks(mirror, now_ms);
        int64_t left_ms = due_ms < 0 ? -1 : due_ms > now_ms ? due_ms - now_ms : 0;
        struct pollfd mail = {.fd = mailbox_fd(mirror->mailbox), .events = POLLIN};
        (void)poll(&mail, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        mailbox_run(mirror->mailbox);
    }
    return NULL;
}

/* --- Messages --- */

struct follow_message {
    struct mirror *mirror;
    char **domains;
    size_t count;
};

static void do_follow(void *message)
{
    struct follow_message *follow = message;
    if (!atomic_load(&follow->mirror->abandon)) {
        mirror_take_up(follow->mirror, follow->domains, follow->count);
    }
    for (size_t i = 0; i < follow->count; i++) {
        free(follow->domains[i]);
    }
    free(follow->domains);
    free(follow);
}

void mirror_follow(struct mirror *mirror, const char *const *domains, size_t count)
{
    struct follow_message *follow = memory_zero(1, sizeof(*follow));
    follow->mirror = mirror;
    follow->domains = memory_zero(count, sizeof(char *));
    follow->count = count;
    for (size_t i = 0; i < count; i++) {
        follow->domains[i] = memory_string(domains[i]);
    }
    mailbox_post(mirror->mailbox, do_follow, follow);
}

struct pace_message {
    struct mirror *mirror;
    struct settings_mirror pace;
};

static void do_set_pace(void *message)
{
    CLEANUP_FREE struct pace_message *setting = message;
    struct mirror *mirror = setting->mirror;
    int64_t now_ms = clock_monotonic_ms();
    mirror->pace = setting->pace;
    for (size_t i = 0; i < mirror->count; i++) {
        mirror->upstreams[i]->due_ms = now_ms;
    }
}

void mirror_set_pace(struct mirror *mirror, const struct settings_mirror *pace)
{
    struct pace_message *setting = memory_zero(1, sizeof(*setting));
    *setting = (struct pace_message){mirror, *pace};
    mailbox_post(mirror->mailbox, do_set_pace, setting);
}

struct status_message {
    struct mirror *mirror;
    void (*done)(struct mirror_status *status, void *context);
    void *context;
};

static void do_status(void *message)
{
    CLEANUP_FREE struct status_message *asking = message;
    if (!atomic_load(&asking->mirror->abandon)) {
        asking->done(mirror_picture(asking->mirror, clock_wall_s(), clock_monotonic_ms()),
                     asking->context);
    }
}

void mirror_ask_status(struct mirror *mirror,
                       void (*done)(struct mirror_status *status, void *context), void *context)
{
    struct status_message *asking = memory_zero(1, sizeof(*asking));
    *asking = (struct status_message){mirror, done, context};
    mailbox_post(mirror->mailbox, do_status, asking);
}

static void do_stop(void *message)
{
    struct mirror *mirror = message;
    mirror->stop = true;
}

/* --- Start and stop --- */

static bool prepare(struct mirror *mirror, struct error *e)
{
    const struct settings *settings = mirror->options.settings;
    if (!mailbox_new(&mirror->mailbox, e) ||
        !dns_resolver_new((const char *const *)settings->dns_resolvers.items,
                          settings->dns_resolvers.count, &mirror->resolver, e)) {
        return false;
    }
    dns_resolver_set_attempt_ms(mirror->resolver, ATTEMPT_MS);
    dns_resolver_set_deadline_ms(mirror->resolver, DEADLINE_MS);
    return work_pool_new("mirror-wait", MIRROR_THREADS, &mirror->pool, e);
}

/* The thread has ended, or never began. */
static void mirror_free(struct mirror *mirror)
{
    work_pool_free(mirror->pool); /* waits for the looks under way */
    if (mirror->mailbox != NULL) {
        mailbox_run(mirror->mailbox); /* messages free themselves */
    }
    mirror_free_looks(mirror);
    for (size_t i = 0; i < mirror->count; i++) {
        upstream_free(mirror->upstreams[i]);
    }
    free(mirror->upstreams);
    mailbox_free(mirror->mailbox);
    dns_resolver_free(mirror->resolver);
    free(mirror->copies);
    free(mirror);
}

bool mirror_start(const struct mirror_options *options, struct mirror **ret_mirror, struct error *e)
{
    struct mirror *mirror = memory_zero(1, sizeof(*mirror));
    mirror->options = *options;
    mirror->pace = options->settings->mirror;
    mirror->copies = mirror_copy_directory(options->settings->state);
    LIST_INIT(&mirror->looks);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        abort(); /* out of memory */
    }
    if (!prepare(mirror, e) || !thread_start("mirror", run, mirror, &mirror->thread, e)) {
        mirror_free(mirror);
        return false;
    }
    *ret_mirror = mirror;
    return true;
}

void mirror_stop(struct mirror *mirror)
{
    if (mirror == NULL) {
        return;
    }
    atomic_store(&mirror->abandon, true);
    mailbox_post(mirror->mailbox, do_stop, mirror);
    pthread_join(mirror->thread, NULL);
    mirror_free(mirror);
}
