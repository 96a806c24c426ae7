/* Who asks for the status, and what is shown to them. */
#include "lib/base/clock.h"
#include "policies/loader/loader_parts.h"
#include "policies/loader/loader_status.h"

enum {
    EXPIRY_INTERVAL_MS = 60 * 60 * 1000,
    STALE_MS = 5 * 60 * 1000,
};

struct question {
    struct loader *loader;
    struct question *next;
    void (*done)(struct loader_status *status, void *context);
    void *context;
};

static struct loader_status *show(const struct loader *loader, const struct loader_findings *found)
{
    struct loader_status *status = loader_status_new(loader->policies, loader->certificates, found);
    status->last_change_s = loader->last_change_s;
    status->reloads = loader->reloads;
    status->remembered = memory_writer_is_able(loader->memory) &&
                         policy_set_is_remembered(loader->policies) &&
                         memory_writer_is_written(loader->memory);
    status->memory_problem = memory_writer_problem(loader->memory);
    if (loader->watch_warning != NULL) {
        diagnostics_add(&status->diagnostics, SEVERITY_WARNING, loader->settings->file, 0, 0, "%s",
                        loader->watch_warning);
    }
    CLEANUP_FREE char *problem = served_notes_problem(loader->notes);
    if (problem != NULL) {
        diagnostics_add(
            &status->diagnostics, SEVERITY_WARNING, loader->settings->state, 0, 0,
            "what was served cannot be noted, so bump-id knows no dates: %s; make room, "
            "or let mtasts-host write here",
            problem);
    }
    return status;
}

struct loader_status *loader_picture(const struct loader *loader)
{
    static const struct loader_findings nothing;
    return show(loader, &nothing);
}

static void answer(struct loader *loader)
{
    while (loader->answering != NULL) {
        struct question *question = loader->answering;
        loader->answering = question->next;
        question->done(show(loader, &loader->survey.result), question->context);
        free(question);
    }
}

static void begin(struct loader *loader, struct clock_moment now)
{
    const struct survey_sources sources = {
        .policies = loader->tables->policies,
        .table = loader->tables->certificates,
        .wants_certificates = loader->wants_certificates,
        .now_s = now.wall_s,
        .now_ms = now.monotonic_ms,
    };
    loader->surveyed = loader->version;
    loader->surveyed_ms = now.monotonic_ms;
    loader->expiry_ms = now.monotonic_ms + EXPIRY_INTERVAL_MS;
    survey_begin(&loader->survey, &sources);
}

/* Where nothing changed and no time to speak of has passed, what was found stands. */
static void begin_where_asked(struct loader *loader)
{
    struct clock_moment now = clock_now();
    bool due = now.monotonic_ms >= loader->expiry_ms;
    bool stale = loader->surveyed != loader->version ||
                 now.monotonic_ms >= loader->surveyed_ms + STALE_MS ||
                 concerns_are_stale(&loader->survey.result.concerns, now.wall_s, now.monotonic_ms);
    if (due || (loader->asked != NULL && stale)) {
        begin(loader, now);
    }
    loader->answering = TAKE(loader->asked);
}

void loader_tend_questions(struct loader *loader)
{
    if (loader->answering == NULL && !survey_is_under_way(&loader->survey)) {
        begin_where_asked(loader);
    }
    if (!survey_step(&loader->survey)) {
        loader_log_expiry(loader, &loader->survey.news);
        answer(loader);
    }
}

bool loader_has_questions(const struct loader *loader)
{
    return loader->answering != NULL || loader->asked != NULL ||
           survey_is_under_way(&loader->survey);
}

static void do_ask(void *message)
{
    struct question *question = message;
    struct loader *loader = question->loader;
    if (atomic_load(&loader->abandon)) {
        free(question);
        return;
    }
    question->next = loader->asked;
    loader->asked = question;
}

void loader_ask_status(struct loader *loader,
                       void (*done)(struct loader_status *status, void *context), void *context)
{
    struct question *question = memory_zero(1, sizeof(*question));
    *question = (struct question){.loader = loader, .done = done, .context = context};
    mailbox_post(loader->mailbox, do_ask, question);
}

void loader_free_questions(struct loader *loader)
{
    struct question **lists[] = {&loader->asked, &loader->answering};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        while (*lists[i] != NULL) {
            struct question *question = *lists[i];
            *lists[i] = question->next;
            free(question);
        }
    }
}
