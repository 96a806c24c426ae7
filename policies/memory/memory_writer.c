#include "memory_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/thread.h"

enum change_kind { CHANGE_PUT, CHANGE_REMOVE, CHANGE_FORGET_ALL };

struct change {
    enum change_kind kind;
    struct served_file file; /* its views are of `place` */
    char *place;
    struct buffer version;
};

struct slice {
    struct change *changes;
    size_t count;
    size_t capacity;
    uint64_t number; /* so many were handed over with this one */
    bool more;       /* the transaction goes on behind it */
};

/* From the loader's side. */
enum stage {
    STAGE_OPENS,  /* the memory, soon: it has the lock */
    STAGE_WAITS,  /* for the lock, or for a later try: nothing is taken */
    STAGE_AFRESH, /* wants all, and has not said so */
    STAGE_WANTS,
    STAGE_WRITES,
};

struct memory_writer {
    char *state;
    struct log *log;
    int event;
    pthread_t thread;
    bool running;
    struct slice added; /* the loader's, not handed over yet */
    _Atomic uint64_t handed_count;
    _Atomic uint64_t written_count;

    pthread_mutex_t lock; /* of all below; held for a few instructions */
    pthread_cond_t changed;
    enum stage stage;
    struct slice handed;
    bool has_handed;
    char *problem; /* why the memory cannot be written now, or NULL */
    bool hurried;  /* what waits is to be tried now */
    bool as_found; /* see memory_writer_is_as_found */
    bool begun;    /* see memory_writer_begin */
    bool stopping;

    /* The thread's own. */
    int process_lock;             /* -1: another process has it */
    struct served_memory *memory; /* NULL: not open */
    size_t slices;                /* of the transaction under way; 0: none is */
    bool is_whole;                /* it is not to be committed before its end */
    int64_t patience_ms;          /* before the next try */
};

/* --- Slices --- */

static void slice_clear(struct slice *slice)
{
    for (size_t i = 0; i < slice->count; i++) {
        free(slice->changes[i].place);
        buffer_clear(&slice->changes[i].version);
    }
    free(slice->changes);
    *slice = (struct slice){0};
}

/* FROM is empty afterwards. */
static void slice_append(struct slice *slice, struct slice *from)
{
    for (size_t i = 0; i < from->count; i++) {
        ARRAY_GROW(slice->changes, slice->count, slice->capacity);
        slice->changes[slice->count++] = from->changes[i];
    }
    from->count = 0;
    slice_clear(from);
}

/* --- The thread --- */

/* TEXT (may be NULL) is the problem now; whether it is another than before. */
static bool set_problem(struct memory_writer *writer, const char *text)
{
    char *problem = memory_string_or_null(text);
    pthread_mutex_lock(&writer->lock);
    char *before = writer->problem;
    bool same = before == NULL || text == NULL ? before == text : strcmp(before, text) == 0;
    writer->problem = problem;
    pthread_mutex_unlock(&writer->lock);
    free(before);
    return !same;
}

static void log_news(struct memory_writer *writer, char *news)
{
    if (news != NULL) {
        log_event(writer->log, LOG_LEVEL_WARNING, "memory.damaged", LOG_TEXT("problem", news),
                  LOG_TEXT("advice", "policies are served all the same, and noted anew"));
    }
    free(news);
}

static void set_stage(struct memory_writer *writer, enum stage stage)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&writer->lock);
    /* The loader may have handed over more since. */
    writer->stage = stage == STAGE_WANTS && writer->has_handed ? STAGE_WRITES : stage;
    if (stage == STAGE_WAITS) {
        slice_clear(&writer->handed);
        writer->has_handed = false;
    }
    pthread_mutex_unlock(&writer->lock);
    if (stage != STAGE_WAITS && write(writer->event, &one, sizeof(one)) < 0) {
        return; /* it is readable already */
    }
}

static void close_memory(struct memory_writer *writer)
{
    served_memory_close(TAKE(writer->memory)); /* a transaction under way is rolled back */
    writer->slices = 0;
    writer->is_whole = false;
}

static void fail(struct memory_writer *writer, const struct error *e)
{
    char *news = NULL;
    struct error ignored;
    close_memory(writer);
    if (set_problem(writer, e->text)) {
        log_event(writer->log, LOG_LEVEL_ERROR, "memory.failed", LOG_TEXT("problem", e->text),
                  LOG_TEXT("advice", "policies are served all the same, and this is tried again; "
                                     "a restart until then does not know all that was served"));
    }
    if (e->code == ERROR_SYNTAX && served_memory_set_aside(writer->state, &news, &ignored)) {
        log_news(writer, news);
    }
    set_stage(writer, STAGE_WAITS);
}

static void add_ms(struct timespec *t, int64_t ms)
{
    enum { NS_OF_MS = 1000 * 1000, NS_OF_S = 1000 * 1000 * 1000 };
    int64_t ns = t->tv_nsec + ms % 1000 * NS_OF_MS;
    t->tv_sec += ms / 1000 + ns / NS_OF_S;
    t->tv_nsec = ns % NS_OF_S;
}

/* Less where it is hurried, or stops. False: it stops. */
static bool wait_ms(struct memory_writer *writer, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    add_ms(&until, ms);
    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping && !writer->hurried &&
           pthread_cond_timedwait(&writer->changed, &writer->lock, &until) == 0) {
    }
    bool goes_on = !writer->stopping;
    writer->hurried = false;
    pthread_mutex_unlock(&writer->lock);
    return goes_on;
}

/* How long to wait before the next try, for which one waits longer. */
static int64_t take_patience_ms(struct memory_writer *writer)
{
    int64_t ms = writer->patience_ms;
    writer->patience_ms = 2 * ms < MEMORY_WRITER_RETRY_MAX_MS ? 2 * ms : MEMORY_WRITER_RETRY_MAX_MS;
    return ms;
}

/* *RET_WAIT_MS: before the next try, where the memory is not open then. */
static void try_open(struct memory_writer *writer, int64_t *ret_wait_ms)
{
    struct error e;
    char *news = NULL;
    bool good =
        writer->process_lock >= 0 || served_memory_lock(writer->state, &writer->process_lock, &e);
    if (good && writer->process_lock < 0) {
        (void)set_problem(writer, NULL); /* another process writes, and that is fine */
        *ret_wait_ms = MEMORY_WRITER_LOCK_MS;
        return;
    }
    if (!good || !served_memory_open(writer->state, &writer->memory, &news, &e)) {
        fail(writer, &e);
        *ret_wait_ms = take_patience_ms(writer);
        return;
    }
    if (news != NULL) {
        pthread_mutex_lock(&writer->lock);
        writer->as_found = false;
        pthread_mutex_unlock(&writer->lock);
    }
    log_news(writer, news);
    set_stage(writer, STAGE_AFRESH);
}

static bool apply(struct memory_writer *writer, const struct change *change, struct error *e)
{
    struct served_memory *memory = writer->memory;
    switch (change->kind) {
    case CHANGE_PUT:
        return served_memory_put(memory, &change->file, buffer_bytes(&change->version), e);
    case CHANGE_REMOVE:
        return served_memory_remove(memory, change->file.entry, change->file.path, e);
    case CHANGE_FORGET_ALL:
        writer->is_whole = true;
        return served_memory_clear(memory, e);
    }
    return true;
}

static bool commit(struct memory_writer *writer, const struct slice *slice, struct error *e)
{
    writer->slices++;
    if (slice->more && (writer->is_whole || writer->slices < MEMORY_WRITER_SLICES)) {
        return true;
    }
    if (!served_memory_commit(writer->memory, e)) {
        return false;
    }
    writer->slices = 0;
    writer->is_whole = false;
    writer->patience_ms = MEMORY_WRITER_RETRY_MS;
    (void)set_problem(writer, NULL);
    if (!slice->more) {
        atomic_store(&writer->written_count, slice->number);
    }
    return true;
}

static bool write_slice(struct memory_writer *writer, const struct slice *slice, struct error *e)
{
    if (writer->slices == 0 && !served_memory_begin(writer->memory, e)) {
        return false;
    }
    for (size_t i = 0; i < slice->count; i++) {
        if (!apply(writer, &slice->changes[i], e)) {
            return false;
        }
    }
    return commit(writer, slice, e);
}

/* False: there will be no more. */
static bool take_slice(struct memory_writer *writer, struct slice *ret_slice)
{
    pthread_mutex_lock(&writer->lock);
    while (!writer->has_handed && !writer->stopping) {
        pthread_cond_wait(&writer->changed, &writer->lock);
    }
    bool has = writer->has_handed;
    *ret_slice = writer->handed;
    writer->handed = (struct slice){0};
    writer->has_handed = false;
    pthread_mutex_unlock(&writer->lock);
    return has;
}

/* Until it fails. False: it stops. */
static bool write_all(struct memory_writer *writer)
{
    struct slice slice;
    struct error e;
    while (take_slice(writer, &slice)) {
        bool written = write_slice(writer, &slice, &e);
        slice_clear(&slice);
        if (!written) {
            fail(writer, &e);
            return true;
        }
        set_stage(writer, STAGE_WANTS);
    }
    return false;
}

/* False: it stops. */
static bool wait_for_begin(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (!writer->begun && !writer->stopping) {
        pthread_cond_wait(&writer->changed, &writer->lock);
    }
    bool begun = writer->begun;
    pthread_mutex_unlock(&writer->lock);
    return begun;
}

static void *thread_main(void *context)
{
    struct memory_writer *writer = context;
    int64_t wait = 0;
    thread_stand_back(4); /* far behind a load: nobody waits for this */
    bool goes_on = wait_for_begin(writer);
    while (goes_on) {
        try_open(writer, &wait);
        if (writer->memory != NULL) {
            goes_on = write_all(writer);
            wait = take_patience_ms(writer);
        }
        goes_on = goes_on && wait_ms(writer, wait);
    }
    close_memory(writer);
    return NULL;
}

/* --- The loader's side --- */

static void init_lock(struct memory_writer *writer)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool memory_writer_open(const char *state, struct log *log, struct memory_writer **ret_writer,
                        struct error *e)
{
    struct memory_writer *writer = memory_zero(1, sizeof(*writer));
    init_lock(writer);
    writer->state = memory_string(state);
    writer->log = log;
    writer->process_lock = -1;
    writer->patience_ms = MEMORY_WRITER_RETRY_MS;
    struct error later; /* the thread tries again, and tells */
    (void)!served_memory_lock(state, &writer->process_lock, &later);
    writer->as_found = writer->process_lock >= 0;
    writer->stage = writer->as_found ? STAGE_OPENS : STAGE_WAITS;
    writer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool good = writer->event >= 0 || error_system(e, "cannot make an eventfd");
    writer->running = good && thread_start("memory", thread_main, writer, &writer->thread, e);
    if (!writer->running) {
        memory_writer_close(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

void memory_writer_begin(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->begun = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

void memory_writer_close(struct memory_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    if (writer->running) {
        pthread_join(writer->thread, NULL);
    }
    slice_clear(&writer->added);
    slice_clear(&writer->handed);
    file_close(&writer->process_lock);
    file_close(&writer->event);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer->problem);
    free(writer->state);
    free(writer);
}

bool memory_writer_is_able(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool able = writer->stage != STAGE_WAITS;
    pthread_mutex_unlock(&writer->lock);
    return able;
}

bool memory_writer_is_as_found(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool as_found = writer->as_found;
    pthread_mutex_unlock(&writer->lock);
    return as_found;
}

int memory_writer_fd(const struct memory_writer *writer)
{
    return writer->event;
}

bool memory_writer_wants(struct memory_writer *writer, bool *ret_afresh)
{
    uint64_t count = 0;
    if (read(writer->event, &count, sizeof(count)) < 0) {
        count = 0; /* asked before it was readable */
    }
    pthread_mutex_lock(&writer->lock);
    bool afresh = writer->stage == STAGE_AFRESH;
    bool wants = afresh || writer->stage == STAGE_WANTS;
    writer->stage = afresh ? STAGE_WANTS : writer->stage;
    pthread_mutex_unlock(&writer->lock);
    if (afresh) {
        slice_clear(&writer->added);
    }
    *ret_afresh = afresh;
    return wants;
}

static struct change *add(struct memory_writer *writer, enum change_kind kind, struct bytes entry,
                          struct bytes path)
{
    struct slice *added = &writer->added;
    ARRAY_GROW(added->changes, added->count, added->capacity);
    struct change *change = &added->changes[added->count++];
    *change = (struct change){.kind = kind, .place = memory_alloc(entry.n + path.n + 1)};
    memcpy(change->place, entry.p, entry.n);
    memcpy(change->place + entry.n, path.p, path.n);
    change->file.entry = (struct bytes){change->place, entry.n};
    change->file.path = (struct bytes){change->place + entry.n, path.n};
    return change;
}

void memory_writer_put(struct memory_writer *writer, const struct served_file *file,
                       struct buffer *version)
{
    if (version->overflow) {
        log_event(writer->log, LOG_LEVEL_WARNING, "memory.too_large",
                  LOG_BYTES("entry", file->entry), LOG_BYTES("file", file->path),
                  LOG_TEXT("problem", "it says more than is remembered of one file"),
                  LOG_TEXT("advice", "split it"));
        buffer_clear(version);
        memory_writer_remove(writer, file->entry, file->path);
        return;
    }
    struct change *change = add(writer, CHANGE_PUT, file->entry, file->path);
    change->file.identity = file->identity;
    change->file.line_end = file->line_end;
    change->file.held = file->held;
    change->file.gone = file->gone;
    change->file.reader = file->reader;
    change->version = *version;
    *version = BUFFER(version->max);
}

void memory_writer_remove(struct memory_writer *writer, struct bytes entry, struct bytes path)
{
    (void)add(writer, CHANGE_REMOVE, entry, path);
}

void memory_writer_forget_all(struct memory_writer *writer)
{
    (void)add(writer, CHANGE_FORGET_ALL, BYTES(""), BYTES(""));
}

void memory_writer_write(struct memory_writer *writer, bool more)
{
    uint64_t number = atomic_fetch_add(&writer->handed_count, 1) + 1;
    pthread_mutex_lock(&writer->lock);
    bool taken = writer->stage == STAGE_WANTS || writer->stage == STAGE_WRITES;
    if (taken) {
        slice_append(&writer->handed, &writer->added);
        writer->handed.number = number;
        writer->handed.more = more;
        writer->has_handed = true;
        writer->stage = STAGE_WRITES;
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    if (!taken) {
        slice_clear(&writer->added); /* all is asked for again */
    }
}

bool memory_writer_is_written(const struct memory_writer *writer)
{
    return atomic_load(&writer->written_count) == atomic_load(&writer->handed_count);
}

char *memory_writer_problem(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    char *problem = memory_string_or_null(writer->problem);
    pthread_mutex_unlock(&writer->lock);
    return problem;
}

void memory_writer_retry_now(struct memory_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->hurried = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}
