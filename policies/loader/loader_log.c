/* What the loader tells the log. */
#include <stdatomic.h>

#include "policies/loader/loader_parts.h"

static void log_diagnostics(struct loader *loader, const char *event,
                            const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        CLEANUP_FREE char *line = diagnostic_format(item);
        log_event(loader->log,
                  item->severity == SEVERITY_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, event,
                  LOG_TEXT("file", item->file), LOG_NUMBER("line", item->line),
                  LOG_NUMBER("column", item->column), LOG_TEXT("problem", line));
    }
    if (diagnostics->dropped != 0) {
        log_event(loader->log, LOG_LEVEL_WARNING, event,
                  LOG_NUMBER("more_problems", diagnostics->dropped));
    }
}

static void log_notes(struct loader *loader)
{
    struct diagnostics notes;
    certificate_set_take_notes(loader->certificates, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        log_event(loader->log, LOG_LEVEL_INFO, "certificates.ends_sooner",
                  LOG_TEXT("file", notes.items[i].file), LOG_TEXT("note", notes.items[i].text));
    }
    if (notes.dropped != 0) {
        log_event(loader->log, LOG_LEVEL_INFO, "certificates.ends_sooner",
                  LOG_NUMBER("more", notes.dropped));
    }
    diagnostics_clear(&notes);
}

/* One line a step, however many certificates passed it. */
void loader_log_expiry(struct loader *loader, struct expiry_news *news)
{
    for (enum expiry_step step = EXPIRY_THIRD; step < EXPIRY_STEPS; step++) {
        if (news->steps[step].count == 0) {
            continue;
        }
        bool past = step == EXPIRY_PAST;
        log_event(loader->log, past ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                  past ? "certificates.expired" : "certificates.expiring",
                  LOG_TEXT("left", expiry_step_left(step)),
                  LOG_NUMBER("certificates", news->steps[step].count),
                  LOG_TEXT("names", news->steps[step].names),
                  LOG_TEXT("advice", "see why they have not been renewed, or replace them; "
                                     "\"mtasts-host status\" lists certificates by expiry"));
    }
    expiry_news_clear(news);
}

/* Tells when fewer are in error than before, and remembers how many it is now. */
static void log_mended(struct loader *loader, const char *event, size_t *in_error, size_t now)
{
    if (now < *in_error) {
        log_event(loader->log, LOG_LEVEL_INFO, event, LOG_NUMBER("mended", *in_error - now),
                  LOG_NUMBER("in_error", now));
    }
    *in_error = now;
}

/* Once when it comes, once when it has gone. */
static void log_watch_warning(struct loader *loader)
{
    const char *warning = watch_warning(loader->watch);
    const char *logged = loader->watch_warning;
    if (warning == NULL && logged != NULL) {
        log_event(loader->log, LOG_LEVEL_INFO, "watch.mended", LOG_TEXT("problem", logged));
    } else if (warning != NULL && (logged == NULL || strcmp(warning, logged) != 0)) {
        log_event(loader->log, LOG_LEVEL_WARNING, "watch.limited", LOG_TEXT("problem", warning));
    }
    free(loader->watch_warning);
    loader->watch_warning = memory_string_or_null(warning);
}

void loader_log_problems(struct loader *loader)
{
    struct diagnostics policies = {0};
    struct diagnostics certificates = {0};
    struct policy_set_counts counts;
    policy_set_new_diagnostics(loader->policies, &policies);
    certificate_set_new_diagnostics(loader->certificates, &certificates);
    log_diagnostics(loader, "policies.problem", &policies);
    log_diagnostics(loader, "certificates.problem", &certificates);
    diagnostics_clear(&policies);
    diagnostics_clear(&certificates);
    log_notes(loader);

    policy_set_counts(loader->policies, &counts);
    atomic_store(&loader->tables->files_without_good, counts.files_without_good);
    log_mended(loader, "policies.mended", &loader->files_in_error, counts.files_in_error);
    log_mended(loader, "certificates.mended", &loader->pairs_in_error,
               certificate_set_problems(loader->certificates));
    log_watch_warning(loader);
}
