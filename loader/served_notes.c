#include "served_notes.h"

#include "base/file.h"
#include "store/history.h"

struct note {
    char *subject;
    char *shared;                /* NULL: a text of its own */
    const struct policy *policy; /* NULL: gone, or shared */
    bool gone;
};

struct served_notes {
    struct history *history; /* NULL: there is none */
    struct log *log;
    struct note *items;
    size_t count;
    size_t capacity;
};

static void give_up(struct served_notes *notes, const struct error *e)
{
    log_event(notes->log, LOG_LEVEL_ERROR, "history.failed", LOG_TEXT("problem", e->text),
              LOG_TEXT("advice", "policies are served all the same; bump-id cannot tell until when "
                                 "senders hold old ones"));
    history_close(notes->history);
    notes->history = NULL;
}

struct served_notes *served_notes_open(const char *state, struct log *log)
{
    struct served_notes *notes = memory_zero(1, sizeof(*notes));
    CLEANUP_FREE char *path = file_path_join(state, "history.db");
    struct error e;
    notes->log = log;
    if (!history_open(path, &notes->history, &e)) {
        give_up(notes, &e);
    }
    return notes;
}

static void clear(struct served_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->items[i].subject);
        free(notes->items[i].shared);
    }
    notes->count = 0;
}

void served_notes_close(struct served_notes *notes)
{
    if (notes == NULL) {
        return;
    }
    clear(notes);
    free(notes->items);
    history_close(notes->history);
    free(notes);
}

void served_notes_add(const struct policy_set_event *event, void *context)
{
    struct served_notes *notes = context;
    if (notes->history == NULL) {
        return;
    }
    ARRAY_GROW(notes->items, notes->count, notes->capacity);
    notes->items[notes->count++] = (struct note){
        .subject = memory_string_of(event->subject),
        .shared = event->shared.n != 0 ? memory_string_of(event->shared) : NULL,
        .policy = event->after,
        .gone = event->gone,
    };
}

static bool write_note(struct history *history, const struct note *note, int64_t now_s,
                       struct error *e)
{
    if (note->gone) {
        return history_note_gone(history, bytes_of(note->subject), now_s, e);
    }
    struct history_served served = {.subject = bytes_of(note->subject)};
    if (note->shared != NULL) {
        served.shared = bytes_of(note->shared);
    } else {
        served.body = policy_body(note->policy);
        memcpy(served.digest, note->policy->digest, sizeof(served.digest));
        served.max_age_s = note->policy->max_age_s;
    }
    return history_note(history, &served, now_s, e);
}

static bool write_all(struct served_notes *notes, int64_t now_s, struct error *e)
{
    if (!history_begin(notes->history, e)) {
        return false;
    }
    for (size_t i = 0; i < notes->count; i++) {
        if (!write_note(notes->history, &notes->items[i], now_s, e)) {
            return false;
        }
    }
    return history_commit(notes->history, e);
}

void served_notes_write(struct served_notes *notes, int64_t now_s)
{
    struct error e;
    if (notes->history != NULL && notes->count != 0 && !write_all(notes, now_s, &e)) {
        give_up(notes, &e);
    }
    clear(notes);
}

void served_notes_prune(struct served_notes *notes, int64_t now_s)
{
    struct error e;
    if (notes->history != NULL && !history_prune(notes->history, now_s, &e)) {
        give_up(notes, &e);
    }
}
