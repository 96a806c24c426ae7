#include "loader.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/thread.h"
#include "policies/files/mirror_copy.h"
#include "policies/loader/loader_parts.h"

enum { PRUNE_INTERVAL_MS = 24 * 60 * 60 * 1000 };

/* --- Taking changes over --- */

static void on_change(const struct policy_set_event *event, void *context)
{
    struct loader *loader = context;
    bool is_domain = event->subject.n != 0 && event->subject.p[0] != '@';
    served_notes_add(event, loader->notes);
    if (is_domain && atomic_load(&loader->loaded) && loader->hooks.domain_changed != NULL) {
        domain_changes_add(&loader->changes, event->subject, event->gone);
    }
}

/* After both sets have applied: the policies' tells of a change before readers see it, and a domain
 * may have come together with its certificate. */
static void tell_changes(struct loader *loader)
{
    if (loader->changes.count != 0) {
        domain_changes_tell(&loader->changes, loader->hooks.domain_changed, loader->hooks.context);
    }
}

static void tell_mirrors(struct loader *loader)
{
    struct policy_set_mirrors mirrors;
    if (loader->hooks.mirrors_changed != NULL &&
        policy_set_take_mirrors(loader->policies, &mirrors)) {
        loader->hooks.mirrors_changed(&mirrors, loader->hooks.context);
        policy_set_mirrors_clear(&mirrors);
    }
}

void loader_apply_policies(struct loader *loader, const struct watch_changes *changes,
                           struct policy_set_result *ret_result)
{
    policy_set_apply(loader->policies, changes, clock_monotonic_ms(), ret_result);
}

void loader_apply_certificates(struct loader *loader, const struct watch_changes *changes,
                               const struct policy_set_result *result)
{
    size_t pairs = certificate_set_apply(loader->certificates, changes, clock_now());
    loader_tell_applied(loader, result, pairs);
}

void loader_tell_applied(struct loader *loader, const struct policy_set_result *result,
                         size_t pairs)
{
    tell_changes(loader);
    tell_mirrors(loader);
    if (result->published != 0 || result->removed != 0 || pairs != 0) {
        loader->version++;
        loader->last_change_s = clock_wall_s();
        log_event(loader->log, LOG_LEVEL_INFO, "loader.applied",
                  LOG_NUMBER("files_read", result->files_read),
                  LOG_NUMBER("published", result->published),
                  LOG_NUMBER("removed", result->removed), LOG_NUMBER("held", result->held),
                  LOG_NUMBER("certificates", pairs),
                  LOG_NUMBER("domains", policy_index_count(loader->tables->policies)));
    }
    loader_log_problems(loader);
}

/* All of what changed since the last call. */
static struct policy_set_result take_over(struct loader *loader,
                                          const struct watch_changes *changes)
{
    struct policy_set_result result = {0};
    loader_apply_policies(loader, changes, &result);
    loader_apply_certificates(loader, changes, &result);
    return result;
}

void loader_note_served(struct loader *loader)
{
    served_notes_write(loader->notes, clock_wall_s());
}

void loader_rescan(struct loader *loader, struct policy_set_result *ret_result)
{
    struct watch_changes everything = {0};
    watch_take_all(loader->watch, clock_monotonic_ms(), &everything);
    *ret_result = take_over(loader, &everything);
    watch_changes_clear(&everything);
}

void loader_tell_changes(struct loader *loader)
{
    tell_changes(loader);
    tell_mirrors(loader);
    loader_log_problems(loader);
}

/* --- Settings --- */

static struct watch_options watch_options_of(const struct settings *settings)
{
    return (struct watch_options){
        .debounce_ms = settings->limits.debounce_ms,
        .debounce_max_ms = settings->limits.debounce_ms * 20,
        .rescan_ms = settings->rescan_ms != 0 ? settings->rescan_ms : settings->limits.rescan_ms,
        .rescan_always = settings->rescan_ms != 0,
        .write_wait_ms = settings->limits.write_wait_ms,
    };
}

static bool is_changing(void *context)
{
    const struct loader *loader = context;
    return watch_is_changing(loader->watch, clock_monotonic_ms());
}

static enum watch_writing writing(const char *path, void *context)
{
    const struct loader *loader = context;
    return watch_writing(loader->watch, path, clock_monotonic_ms());
}

static bool was_last(struct bytes subject, const unsigned char *digest, void *context)
{
    const struct loader *loader = context;
    return served_past_was_last(loader->past, subject, digest);
}

static bool is_free(struct bytes domain, void *context)
{
    const struct loader *loader = context;
    return served_past_is_free(loader->past, domain, clock_wall_s());
}

static struct policy_set_options policy_set_options_of(struct loader *loader,
                                                       const struct settings *settings)
{
    return (struct policy_set_options){
        .paths = (const char *const *)settings->policies.items,
        .entries = (const char *const *)settings->policies_written.items,
        .path_count = settings->policies.count,
        .defaults = {.max_age_s = (uint32_t)settings->default_max_age_s},
        .state = settings->state,
        .mirror_copies = loader->mirror_copies,
        .vanish_ms = settings->limits.vanish_ms,
        .settle_ms = settings->limits.settle_ms,
        .removal_percent = settings->limits.removal_percent,
        .removal_domains = settings->limits.removal_domains,
        .context = loader,
        .abandoned = loader_step,
        .changing = is_changing,
        .writing = writing,
        .was_last = was_last,
        .is_free = is_free,
    };
}

/* Without HTTPS there is nothing to do for a certificate. */
static struct certificate_set_options certificate_set_options_of(struct loader *loader,
                                                                 const struct settings *settings)
{
    return (struct certificate_set_options){
        .paths = (const char *const *)settings->certificates.items,
        .path_count = settings->https.count != 0 ? settings->certificates.count : 0,
        .vanish_ms = settings->limits.vanish_ms,
        .removal_percent = settings->limits.removal_percent,
        .removal_pairs = settings->limits.removal_domains,
        .settle_ms = settings->limits.settle_ms,
        .writing = writing,
        .writing_context = loader,
        .abandoned = loader_step,
        .abandoned_context = loader,
    };
}

void loader_use_settings(struct loader *loader, const struct settings *settings)
{
    const struct watch_options watch_options = watch_options_of(settings);
    const struct policy_set_options set_options = policy_set_options_of(loader, settings);
    const struct certificate_set_options pair_options =
        certificate_set_options_of(loader, settings);
    loader->settings = settings;
    watch_set_options(loader->watch, &watch_options);
    policy_set_set_limits(loader->policies, &set_options);
    certificate_set_set_limits(loader->certificates, &pair_options);
}

/* --- The thread --- */

static int nearer_ms(int timeout_ms, int64_t moment_ms, int64_t now_ms)
{
    if (moment_ms < 0) {
        return timeout_ms;
    }
    int64_t left_ms = moment_ms > now_ms ? moment_ms - now_ms : 0;
    if (left_ms > INT_MAX) {
        left_ms = INT_MAX;
    }
    return timeout_ms < 0 || left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

/* When there is work though nothing changed; -1: never. */
static int64_t due_ms(const struct loader *loader)
{
    int64_t policies_ms = policy_set_next_due_ms(loader->policies);
    int64_t pairs_ms = certificate_set_next_due_ms(loader->certificates);
    return policies_ms < 0 || (pairs_ms >= 0 && pairs_ms < policies_ms) ? pairs_ms : policies_ms;
}

static void look_at_snapshots(struct loader *loader)
{
    int64_t now_ms = clock_monotonic_ms();
    snapshot_keeper_look(loader->certificate_keeper, now_ms);
}

static void wait_for_work(struct loader *loader)
{
    int64_t now_ms = clock_monotonic_ms();
    int timeout_ms = watch_timeout_ms(loader->watch, now_ms);
    timeout_ms = nearer_ms(timeout_ms, due_ms(loader), now_ms);
    timeout_ms = nearer_ms(timeout_ms, loader->prune_ms, now_ms);
    timeout_ms = nearer_ms(timeout_ms, loader->expiry_ms, now_ms);
    timeout_ms = nearer_ms(timeout_ms, snapshot_keeper_due_ms(loader->certificate_keeper), now_ms);
    timeout_ms = loader_has_questions(loader) ? 0 : timeout_ms;
    struct pollfd fds[] = {
        {.fd = watch_fd(loader->watch), .events = POLLIN},
        {.fd = mailbox_fd(loader->mailbox), .events = POLLIN},
        {.fd = memory_writer_fd(loader->memory), .events = POLLIN},
    };
    int ready = poll(fds, ARRAY_LENGTH(fds), timeout_ms);
    (void)ready; /* whatever woke us: each part below looks by itself */
}

static void work(struct loader *loader)
{
    loader_beat(loader);
    struct watch_changes changes = {0};
    int64_t now_ms = clock_monotonic_ms();
    int64_t when_ms = due_ms(loader);
    if (watch_take(loader->watch, now_ms, &changes) || (when_ms >= 0 && when_ms <= now_ms)) {
        (void)take_over(loader, &changes);
        loader_note_served(loader);
    }
    watch_changes_clear(&changes);
    const struct watch_changes *coming = watch_peek(loader->watch, now_ms);
    if (coming != NULL) {
        policy_set_read_ahead(loader->policies, coming);
    }
    if (now_ms >= loader->prune_ms) {
        served_notes_prune(loader->notes, clock_wall_s());
        loader->prune_ms = now_ms + PRUNE_INTERVAL_MS;
    }
    mailbox_run(loader->mailbox);
    loader_tend_memory(loader);
    loader_tend_questions(loader);
}

static void *run(void *context)
{
    struct loader *loader = context;
    rcu_reader_register();
    loader->stop = !loader_load(loader);
    bool whole = !loader->stop;
    while (!loader->stop) {
        look_at_snapshots(loader);
        wait_for_work(loader);
        work(loader);
    }
    if (whole) {
        snapshot_keeper_finish(loader->certificate_keeper);
        loader_finish_memory(loader);
    }
    rcu_reader_unregister();
    return NULL;
}

/* --- Start and stop --- */

static void loader_free(struct loader *loader)
{
    served_notes_close(loader->notes);
    if (loader->mailbox != NULL) {
        mailbox_run(loader->mailbox); /* what is abandoned frees itself */
    }
    loader_free_questions(loader);
    survey_clear(&loader->survey);
    snapshot_keeper_free(loader->certificate_keeper);
    memory_writer_close(loader->memory);
    served_past_free(loader->past);
    if (MEMORY_FREED_AT_END) {
        policy_set_free(loader->policies);
        certificate_set_free(loader->certificates);
    }
    watch_free(loader->watch);
    mailbox_free(loader->mailbox);
    domain_changes_clear(&loader->changes);
    free(loader->watch_warning);
    free(loader->mirror_copies);
    free(loader);
}

/* Without HTTPS nothing is read, so nothing is to be remembered. */
static void make_certificates(struct loader *loader)
{
    const struct settings *settings = loader->settings;
    struct certificate_set_options options = certificate_set_options_of(loader, settings);
    CLEANUP_FREE char *path = file_path_join(settings->state, "certificates.snapshot");
    bool keep = settings->snapshot && options.path_count != 0;
    options.snapshot = keep ? path : NULL;
    loader->certificates = certificate_set_new(&options, loader->tables->certificates);
    if (keep) {
        loader->certificate_keeper = snapshot_keeper_new(
            &certificate_keeper_matter, &(struct snapshot_keeper_options){
                                            .path = path,
                                            .log = loader->log,
                                            .set = loader->certificates,
                                            .changes = CERTIFICATE_KEEPER_CHANGES,
                                            .interval_ms = CERTIFICATE_KEEPER_INTERVAL_MS,
                                        });
    } else if (!settings->snapshot) {
        (void)unlink(path); /* it has keys */
    }
    loader->wants_certificates =
        options.path_count != 0 || (settings->acme != NULL && settings->https.count != 0);
}

static bool prepare(struct loader *loader, struct error *e)
{
    const struct settings *settings = loader->settings;
    loader->mirror_copies = mirror_copy_directory(settings->state);
    const struct watch_options watch_options = watch_options_of(settings);
    if (!mailbox_new(&loader->mailbox, e) ||
        (loader->watch = watch_new(&watch_options, e)) == NULL ||
        !served_notes_open(settings->state, loader->log, &loader->notes, e) ||
        !memory_writer_open(settings->state, loader->log, &loader->memory, e)) {
        return false;
    }
    loader->past = served_past_new(settings->state);
    const struct policy_set_options options = policy_set_options_of(loader, settings);
    loader->policies = policy_set_new(&options, loader->tables->policies);
    make_certificates(loader);
    policy_set_on_change(loader->policies, on_change, loader);
    loader->prune_ms = clock_monotonic_ms() + PRUNE_INTERVAL_MS;
    return true;
}

bool loader_start(const struct settings *settings, struct log *log, struct loader_tables *tables,
                  const struct loader_hooks *hooks, struct loader **ret_loader, struct error *e)
{
    struct loader *loader = memory_zero(1, sizeof(*loader));
    loader->settings = settings;
    loader->log = log;
    loader->tables = tables;
    loader->version = 1; /* nothing was surveyed yet */
    loader->hooks = hooks != NULL ? *hooks : (struct loader_hooks){0};
    loader_beat(loader);
    if (!prepare(loader, e) || !thread_start("loader", run, loader, &loader->thread, e)) {
        loader_free(loader);
        return false;
    }
    *ret_loader = loader;
    return true;
}

bool loader_history_is_written(const struct loader *loader)
{
    return atomic_load(&loader->loaded) && served_notes_are_written(loader->notes);
}

void loader_stop(struct loader *loader)
{
    if (loader == NULL) {
        return;
    }
    atomic_store(&loader->abandon, true);
    loader_abandon_load(loader);
    served_notes_hurry(loader->notes);
    loader_post_stop(loader);
    pthread_join(loader->thread, NULL);
    loader_free(loader);
}
