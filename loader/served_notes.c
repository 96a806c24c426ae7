#include "served_notes.h"

#include <stdatomic.h>

#include "base/file.h"
#include "store/history.h"

enum { ABANDONED_EVERY = 256 };

struct note {
    char *subject;
    char *shared;                /* NULL: a text of its own */
    const struct policy *policy; /* NULL: gone, or shared */
    struct policy *kept;         /* our copy of `policy`, once it has to outlive an apply */
    bool gone;
    bool gap; /* others of this subject, before it, were given up */
};

struct served_notes {
    struct history *history; /* NULL: not open; tried again at the next write */
    char *path;
    struct log *log;
    char *problem;                    /* why the history cannot be written now, or NULL */
    bool (*abandoned)(void *context); /* or NULL */
    void *abandoned_context;
    _Atomic bool unwritten;
    struct note *items;
    size_t count;
    size_t capacity;
};

static void note_clear(struct note *note)
{
    free(note->subject);
    free(note->shared);
    policy_free(note->kept);
}

static void fail(struct served_notes *notes, const struct error *e)
{
    if (notes->problem == NULL || strcmp(notes->problem, e->text) != 0) {
        log_event(notes->log, LOG_LEVEL_ERROR, "history.failed", LOG_TEXT("problem", e->text),
                  LOG_TEXT("advice", "policies are served all the same, and this is tried again; "
                                     "meanwhile bump-id cannot tell until when senders hold old "
                                     "ones"));
        free(notes->problem);
        notes->problem = memory_string(e->text);
    }
    history_close(notes->history); /* a transaction under way is rolled back */
    notes->history = NULL;
}

static bool open_history(struct served_notes *notes, struct error *e)
{
    return notes->history != NULL || history_open(notes->path, &notes->history, e);
}

struct served_notes *served_notes_open(const char *state, struct log *log)
{
    struct served_notes *notes = memory_zero(1, sizeof(*notes));
    struct error e;
    notes->path = file_path_join(state, "history.db");
    notes->log = log;
    if (!open_history(notes, &e)) {
        fail(notes, &e);
    }
    return notes;
}

void served_notes_set_abandoned(struct served_notes *notes, bool (*abandoned)(void *context),
                                void *context)
{
    notes->abandoned = abandoned;
    notes->abandoned_context = context;
}

const char *served_notes_problem(const struct served_notes *notes)
{
    return notes->problem;
}

static void clear(struct served_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        note_clear(&notes->items[i]);
    }
    notes->count = 0;
}

/* By subject; of one subject in the order noted, which is that of the addresses. */
static int by_subject(const void *left, const void *right)
{
    const struct note *const *a = left;
    const struct note *const *b = right;
    int order = strcmp((*a)->subject, (*b)->subject);
    return order != 0 ? order : (*a > *b) - (*a < *b);
}

/* The last note of each subject stays, in the order noted. */
static void give_up_older(struct served_notes *notes)
{
    struct note **sorted = memory_zero(notes->count, sizeof(struct note *));
    for (size_t i = 0; i < notes->count; i++) {
        sorted[i] = &notes->items[i];
    }
    qsort(sorted, notes->count, sizeof(struct note *), by_subject);
    for (size_t i = 0; i + 1 < notes->count; i++) {
        if (strcmp(sorted[i]->subject, sorted[i + 1]->subject) == 0) {
            sorted[i + 1]->gap = true;
            note_clear(sorted[i]);
            sorted[i]->subject = NULL;
        }
    }
    free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < notes->count; i++) {
        if (notes->items[i].subject != NULL) {
            notes->items[kept++] = notes->items[i];
        }
    }
    notes->count = kept;
}

/* What could not be written waits, and so must not lean on policies that the next apply frees. */
static void keep_waiting(struct served_notes *notes)
{
    if (notes->count > SERVED_NOTES_WAITING) {
        give_up_older(notes);
    }
    for (size_t i = 0; i < notes->count; i++) {
        struct note *note = &notes->items[i];
        if (note->policy != NULL && note->kept == NULL) {
            size_t size = sizeof(*note->policy) + note->policy->body_length;
            note->kept = memory_alloc(size);
            memcpy(note->kept, note->policy, size);
            note->policy = note->kept;
        }
    }
}

void served_notes_close(struct served_notes *notes)
{
    if (notes == NULL) {
        return;
    }
    clear(notes);
    free(notes->items);
    free(notes->path);
    free(notes->problem);
    history_close(notes->history);
    free(notes);
}

void served_notes_add(const struct policy_set_event *event, void *context)
{
    struct served_notes *notes = context;
    ARRAY_GROW(notes->items, notes->count, notes->capacity);
    atomic_store(&notes->unwritten, true);
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
    if (note->gap && !history_note_gap(history, bytes_of(note->subject), now_s, e)) {
        return false;
    }
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
        if (i % ABANDONED_EVERY == 0 && notes->abandoned != NULL &&
            notes->abandoned(notes->abandoned_context)) {
            break;
        }
        if (!write_note(notes->history, &notes->items[i], now_s, e)) {
            return false;
        }
    }
    return history_commit(notes->history, e);
}

void served_notes_write(struct served_notes *notes, int64_t now_s)
{
    struct error e;
    if (notes->count == 0) {
        return;
    }
    if (!open_history(notes, &e) || !write_all(notes, now_s, &e)) {
        fail(notes, &e);
        keep_waiting(notes);
        return;
    }
    clear(notes);
    atomic_store(&notes->unwritten, false);
    free(notes->problem);
    notes->problem = NULL;
}

bool served_notes_are_written(const struct served_notes *notes)
{
    return !atomic_load(&notes->unwritten);
}

void served_notes_prune(struct served_notes *notes, int64_t now_s)
{
    struct error e;
    if (notes->history != NULL && !history_prune(notes->history, now_s, &e)) {
        fail(notes, &e);
    }
}
