/* The first load: policies, then certificates, and how far that is. */
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/thread.h"
#include "policies/loader/loader_parts.h"

void loader_beat(struct loader *loader)
{
    atomic_store_explicit(&loader->beat_ms, clock_monotonic_ms(), memory_order_relaxed);
}

int64_t loader_beat_ms(const struct loader *loader)
{
    return atomic_load_explicit(&loader->beat_ms, memory_order_relaxed);
}

void loader_abandon_load(struct loader *loader)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(&loader->abandoned_ms, &never, clock_monotonic_ms());
}

/* After the first load changes are applied whole. */
static bool is_abandoned(struct loader *loader)
{
    return !atomic_load(&loader->loaded) && atomic_load(&loader->abandoned_ms) != 0;
}

static bool beat_on(void *context)
{
    loader_beat(context);
    return !is_abandoned(context);
}

bool loader_step(void *context)
{
    struct loader *loader = context;
    loader_beat(loader);
    if (!atomic_load(&loader->loaded)) {
        bool policies_known = atomic_load(&loader->tables->policies_known);
        fault_stall(policies_known ? "load.certificate" : "load.policy", beat_on, loader);
    }
    return is_abandoned(loader);
}

void loader_progress(const struct loader *loader, struct loader_progress *ret_progress)
{
    struct loader_progress progress = {
        .policies_known = atomic_load(&loader->tables->policies_known),
        .domains = atomic_load(&loader->domains),
        .loaded = atomic_load(&loader->loaded),
    };
    certificate_set_progress(loader->certificates, &progress.certificates,
                             &progress.certificates_total);
    *ret_progress = progress;
}

/* No policy file is there, and none is remembered: a server would answer everybody that there is no
 * policy. */
static bool has_nothing(struct loader *loader, struct error *failure)
{
    struct policy_set_counts counts;
    CLEANUP(diagnostics_clear) struct diagnostics diagnostics = {0};
    policy_set_counts(loader->policies, &counts);
    if (counts.files_present != 0 || counts.domains != 0) {
        return false;
    }
    policy_set_diagnostics(loader->policies, &diagnostics);
    if (diagnostics.errors != 0) {
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics.items[0]);
        return !error_set(failure, ERROR_NOT_FOUND, "%s", line);
    }
    return !error_set(failure, ERROR_NOT_FOUND,
                      "%s: there is no policy file here, and nothing was served before; put one "
                      "there, or begin with one that says `domains: {}`",
                      loader->settings->policies.items[0]);
}

static bool watch_tops(struct loader *loader, const struct settings_list *tops, struct error *e)
{
    for (size_t i = 0; i < tops->count; i++) {
        if (!watch_add(loader->watch, tops->items[i], e)) {
            return false;
        }
    }
    return true;
}

/* Before the first look, so that no edit falls between them. */
static bool watch_all(struct loader *loader, struct error *e)
{
    const struct settings *settings = loader->settings;
    return watch_tops(loader, &settings->policies, e) &&
           (settings->https.count == 0 || watch_tops(loader, &settings->certificates, e));
}

static void tell_loaded(struct loader *loader, const struct error *failure)
{
    if (loader->hooks.loaded != NULL) {
        loader->hooks.loaded(failure, loader->hooks.context);
    }
}

/* --- Finding certificates, while policies are read --- */

static void *find_certificates(void *context)
{
    const struct loader *loader = context;
    thread_stand_back(1);
    certificate_set_find(loader->certificates);
    return NULL;
}

/* Listing a million takes seconds, on one core. False: whoever applies finds them. */
static bool begin_to_find(struct loader *loader, pthread_t *ret_thread)
{
    struct error ignored;
    return loader->settings->https.count != 0 && loader->settings->certificates.count != 0 &&
           thread_start("listing", find_certificates, loader, ret_thread, &ignored);
}

/* --- Policies --- */

static void publish_policies(struct loader *loader)
{
    atomic_store(&loader->domains, policy_index_count(loader->tables->policies));
    atomic_store(&loader->tables->policies_known, true);
    loader_note_served(loader);
}

static bool load_policies(struct loader *loader, struct policy_set_result *ret_result)
{
    const struct watch_changes everything = {.rescan = true};
    struct error failure;
    pthread_t finder;
    if (!watch_all(loader, &failure)) {
        tell_loaded(loader, &failure);
        return false;
    }
    bool finding = begin_to_find(loader, &finder);
    loader_apply_policies(loader, &everything, ret_result);
    loader->memory_is_restored = policy_set_remembers(loader->policies);
    if (loader->memory != NULL) {
        memory_writer_begin(loader->memory);
    }
    bool abandoned = is_abandoned(loader);
    bool nothing = !abandoned && has_nothing(loader, &failure);
    if (nothing) {
        loader_abandon_load(loader); /* so the finder ends */
    } else if (!abandoned) {
        publish_policies(loader);
    }
    if (finding) {
        pthread_join(finder, NULL);
    }
    if (nothing) {
        loader_log_problems(loader);
        tell_loaded(loader, &failure);
    }
    return !abandoned && !nothing;
}

bool loader_load(struct loader *loader)
{
    const struct watch_changes everything = {.rescan = true};
    struct policy_set_result result = {0};
    if (!load_policies(loader, &result)) {
        return false;
    }
    loader_apply_certificates(loader, &everything, &result);
    if (is_abandoned(loader)) {
        return false;
    }
    atomic_store(&loader->loaded, true);
    tell_loaded(loader, NULL);
    return true;
}
