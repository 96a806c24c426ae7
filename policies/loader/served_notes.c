#include "served_notes.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/thread.h"
#include "policies/live/leaving.h"
#include "policies/live/note_batch.h"
#include "policies/memory/history.h"

enum {
    HURRY_MS = 300,    /* some 30,000 notes: but for a first start with very many, all */
    HURRY_EVERY = 256, /* so many are written, however late this thread gets to run */
    TRANSACTION_NOTES = 16 * 1024, /* what a stop has to wait for once it is given up */
};

struct waiter {
    struct waiter *next;
    void (*done)(void *context);
    void *context;
};

/* What the thread is asked to do, all at once. */
struct task {
    struct note_batch batch;
    uint64_t up_to;         /* that many notes were added, up to the end of `batch` */
    struct waiter *waiters; /* the latest first */
    int64_t prune_s;        /* 0: not now */
    bool asked;
};

struct served_notes {
    char *path;
    struct log *log;
    pthread_t thread;
    bool running;
    struct note_batch added; /* the loader's, not handed over yet */
    _Atomic uint64_t added_count;
    _Atomic uint64_t written_count;
    _Atomic int64_t hurried_ms; /* since when; 0: no hurry */

    pthread_mutex_t lock; /* of all below; held for a few instructions */
    pthread_cond_t more;
    struct task task;
    char *problem; /* why the history cannot be written now, or NULL */
    bool stopping;

    /* The thread's own. */
    struct history *history;   /* NULL: not open; tried again at the next write */
    struct note_batch waiting; /* taken over; what could not be written stays */
    bool first_done;           /* the first batch is written, or given up */
};

/* --- The thread --- */

/* TEXT (may be NULL) is the problem now; whether it is another than before. */
static bool set_problem(struct served_notes *notes, const char *text)
{
    char *problem = memory_string_or_null(text);
    pthread_mutex_lock(&notes->lock);
    bool same = notes->problem == NULL || text == NULL ? notes->problem == text
                                                       : strcmp(notes->problem, text) == 0;
    char *before = notes->problem;
    notes->problem = problem;
    pthread_mutex_unlock(&notes->lock);
    free(before);
    return !same;
}

static void fail(struct served_notes *notes, const struct error *e)
{
    if (set_problem(notes, e->text)) {
        log_event(notes->log, LOG_LEVEL_ERROR, "history.failed", LOG_TEXT("problem", e->text),
                  LOG_TEXT("advice", "policies are served all the same, and this is tried again; "
                                     "meanwhile bump-id cannot tell until when senders hold old "
                                     "ones"));
    }
    history_close(notes->history); /* a transaction under way is rolled back */
    notes->history = NULL;
}

static bool open_history(struct served_notes *notes, struct error *e)
{
    return notes->history != NULL || history_open(notes->path, &notes->history, e);
}

/* At a start, and when it comes, each domain that uses a shared policy has a note of its own. */
static bool write_users_leaving(struct served_notes *notes, const struct note *note,
                                struct bytes shared, struct error *e)
{
    if (note->gone || !note->turned) {
        return true;
    }
    return note->none ? history_note_users_retired(notes->history, shared, note->since_s, e)
                      : history_note_users_stay(notes->history, shared, e);
}

/* What the history is to know of a domain that leaves. */
static bool write_leaving(struct served_notes *notes, const struct note *note, struct bytes subject,
                          struct error *e)
{
    if (subject.n == 0 || subject.p[0] == '@') {
        return subject.n == 0 || write_users_leaving(notes, note, subject, e);
    }
    if (note->gone) {
        return history_note_left(notes->history, subject, note->since_s, e);
    }
    return note->none ? history_note_retired(notes->history, subject, note->since_s, e)
                      : history_note_stays(notes->history, subject, e);
}

static bool write_note(struct served_notes *notes, const struct note_batch *batch,
                       const struct note *note, struct error *e)
{
    struct bytes subject = note_batch_text(batch, note->subject);
    if (note->gap && !history_note_gap(notes->history, subject, note->since_s, e)) {
        return false;
    }
    if (note->gone) {
        return history_note_gone(notes->history, subject, note->since_s, e) &&
               write_leaving(notes, note, subject, e);
    }
    struct history_served served = {.subject = subject};
    if (note->shared != 0) {
        served.shared = note_batch_text(batch, note->shared);
    } else {
        served.body = policy_body(note->policy);
        memcpy(served.digest, note->policy->digest, sizeof(served.digest));
        served.max_age_s = note->policy->max_age_s;
    }
    return history_note(notes->history, &served, note->since_s, e) &&
           write_leaving(notes, note, subject, e);
}

/* What is given up is as after a crash, and noted at the next start. */
static bool is_given_up(const struct served_notes *notes)
{
    int64_t hurried_ms = atomic_load(&notes->hurried_ms);
    return !notes->first_done && hurried_ms != 0 && clock_monotonic_ms() - hurried_ms > HURRY_MS;
}

/* *RET_WHOLE: nothing was given up. */
static bool write_all(struct served_notes *notes, bool *ret_whole, struct error *e)
{
    *ret_whole = true;
    if (!open_history(notes, e) || !history_begin(notes->history, e)) {
        return false;
    }
    for (size_t i = 0; i < notes->waiting.count && *ret_whole; i++) {
        if (i % TRANSACTION_NOTES == TRANSACTION_NOTES - 1 &&
            (!history_commit(notes->history, e) || !history_begin(notes->history, e))) {
            return false;
        }
        *ret_whole = i == 0 || i % HURRY_EVERY != 0 || !is_given_up(notes);
        if (*ret_whole && !write_note(notes, &notes->waiting, &notes->waiting.items[i], e)) {
            return false;
        }
    }
    return history_commit(notes->history, e);
}

/* The first that is written has all that is served: what the history has besides went while no
 * server ran, at some time before now. */
static bool write_missing(struct served_notes *notes, struct error *e)
{
    CLEANUP(note_batch_clear) struct note_batch missing = {0};
    int64_t now_s = clock_wall_s();
    if (!leaving_find_missing(notes->history, &notes->waiting, now_s, &missing, e)) {
        return false;
    }
    if (missing.count == 0) {
        return true;
    }
    bool good = history_begin(notes->history, e);
    for (size_t i = 0; good && i < missing.count; i++) {
        good = write_note(notes, &missing, &missing.items[i], e);
    }
    if (!good || !history_commit(notes->history, e)) {
        return false;
    }
    leaving_log_early(notes->history, &missing, now_s, notes->log);
    return true;
}

static void write_waiting(struct served_notes *notes, uint64_t up_to)
{
    struct error e;
    bool whole = true;
    if (notes->waiting.count == 0) {
        notes->first_done = true;
        return;
    }
    if (!write_all(notes, &whole, &e) ||
        (whole && !notes->first_done && !write_missing(notes, &e))) {
        fail(notes, &e);
        if (notes->waiting.count > SERVED_NOTES_WAITING) {
            note_batch_give_up_older(&notes->waiting);
        }
        return;
    }
    if (whole) {
        leaving_log_early(notes->history, &notes->waiting, clock_wall_s(), notes->log);
    }
    if (whole || MEMORY_FREED_AT_END) {
        note_batch_clear(&notes->waiting);
    } else {
        notes->waiting = (struct note_batch){0};
    }
    (void)set_problem(notes, NULL);
    notes->first_done = true;
    if (whole) {
        atomic_store(&notes->written_count, up_to);
    }
}

static void prune(struct served_notes *notes, int64_t now_s)
{
    struct error e;
    if (notes->history != NULL && !history_prune(notes->history, now_s, &e)) {
        fail(notes, &e);
    }
}

/* The first is called first. */
static void call_waiters(struct waiter *latest)
{
    struct waiter *first = NULL;
    while (latest != NULL) {
        struct waiter *next = latest->next;
        latest->next = first;
        first = latest;
        latest = next;
    }
    while (first != NULL) {
        struct waiter *waiter = first;
        first = waiter->next;
        waiter->done(waiter->context);
        free(waiter);
    }
}

/* False: there will be no more. */
static bool take_task(struct served_notes *notes, struct task *ret_task)
{
    pthread_mutex_lock(&notes->lock);
    while (!notes->task.asked && !notes->stopping) {
        pthread_cond_wait(&notes->more, &notes->lock);
    }
    bool asked = notes->task.asked;
    *ret_task = notes->task;
    notes->task = (struct task){.up_to = notes->task.up_to};
    pthread_mutex_unlock(&notes->lock);
    return asked;
}

static void *thread_main(void *context)
{
    struct served_notes *notes = context;
    struct task task;
    thread_stand_back(4); /* far behind a load: nobody waits for a note */
    while (take_task(notes, &task)) {
        note_batch_append(&notes->waiting, &task.batch);
        write_waiting(notes, task.up_to);
        if (task.prune_s != 0) {
            prune(notes, task.prune_s);
        }
        call_waiters(task.waiters);
    }
    return NULL;
}

/* --- The loader's side --- */

bool served_notes_open(const char *state, struct log *log, struct served_notes **ret_notes,
                       struct error *e)
{
    struct served_notes *notes = memory_zero(1, sizeof(*notes));
    struct error why;
    pthread_mutex_init(&notes->lock, NULL);
    pthread_cond_init(&notes->more, NULL);
    notes->path = file_path_join(state, "history.db");
    notes->log = log;
    if (!open_history(notes, &why)) {
        fail(notes, &why);
    }
    notes->running = thread_start("history", thread_main, notes, &notes->thread, e);
    if (!notes->running) {
        served_notes_close(notes);
        return false;
    }
    *ret_notes = notes;
    return true;
}

static void ask(struct served_notes *notes)
{
    notes->task.asked = true;
    pthread_cond_signal(&notes->more);
}

void served_notes_hurry(struct served_notes *notes)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(&notes->hurried_ms, &never, clock_monotonic_ms());
}

void served_notes_close(struct served_notes *notes)
{
    if (notes == NULL) {
        return;
    }
    pthread_mutex_lock(&notes->lock);
    notes->stopping = true;
    ask(notes);
    pthread_mutex_unlock(&notes->lock);
    if (notes->running) {
        pthread_join(notes->thread, NULL);
    }
    note_batch_clear(&notes->added);
    note_batch_clear(&notes->waiting);
    pthread_cond_destroy(&notes->more);
    pthread_mutex_destroy(&notes->lock);
    free(notes->path);
    free(notes->problem);
    history_close(notes->history);
    free(notes);
}

bool served_notes_are_written(const struct served_notes *notes)
{
    return atomic_load(&notes->written_count) == atomic_load(&notes->added_count);
}

char *served_notes_problem(struct served_notes *notes)
{
    pthread_mutex_lock(&notes->lock);
    char *problem = memory_string_or_null(notes->problem);
    pthread_mutex_unlock(&notes->lock);
    return problem;
}

void served_notes_add(const struct policy_set_event *event, void *context)
{
    struct served_notes *notes = context;
    note_batch_add(&notes->added, event);
    atomic_fetch_add(&notes->added_count, 1);
}

void served_notes_write(struct served_notes *notes, int64_t now_s)
{
    for (size_t i = 0; i < notes->added.count; i++) {
        notes->added.items[i].since_s = now_s;
    }
    pthread_mutex_lock(&notes->lock);
    note_batch_append(&notes->task.batch, &notes->added);
    notes->task.up_to = atomic_load(&notes->added_count);
    ask(notes);
    pthread_mutex_unlock(&notes->lock);
}

void served_notes_when_tried(struct served_notes *notes, void (*done)(void *context), void *context)
{
    struct waiter *waiter = memory_zero(1, sizeof(*waiter));
    *waiter = (struct waiter){.done = done, .context = context};
    pthread_mutex_lock(&notes->lock);
    waiter->next = notes->task.waiters;
    notes->task.waiters = waiter;
    ask(notes);
    pthread_mutex_unlock(&notes->lock);
}

void served_notes_prune(struct served_notes *notes, int64_t now_s)
{
    pthread_mutex_lock(&notes->lock);
    notes->task.prune_s = now_s;
    ask(notes);
    pthread_mutex_unlock(&notes->lock);
}
