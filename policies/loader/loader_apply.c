/* What changed in the files becomes what is served; other threads, the history and the log hear of
 * it. */
#include "lib/base/clock.h"
#include "policies/loader/loader_parts.h"

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

struct policy_set_result loader_apply(struct loader *loader, const struct watch_changes *changes)
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
    *ret_result = loader_apply(loader, &everything);
    watch_changes_clear(&everything);
}

void loader_tell_changes(struct loader *loader)
{
    tell_changes(loader);
    tell_mirrors(loader);
    loader_log_problems(loader);
}
