#include "snapshot_keeper.h"

#include "lib/base/clock.h"
#include "lib/base/thread.h"

struct snapshot_keeper {
    const struct snapshot_matter *matter;
    struct snapshot_keeper_options options;
    char *path;
    int64_t begun_ms; /* the last one; -1: none */
    uint64_t owed;    /* changes that the last one was to have, and failed */

    /* The one being written. */
    bool under_way; /* `thread` runs, or has ended and was not joined */
    pthread_t thread;
    void *gathered;
    size_t count;
    uint64_t unsaved; /* changes it will have */
    _Atomic bool stop;
    _Atomic bool ended;
    _Atomic bool failed;
};

struct snapshot_keeper *snapshot_keeper_new(const struct snapshot_matter *matter,
                                            const struct snapshot_keeper_options *options)
{
    struct snapshot_keeper *keeper = memory_zero(1, sizeof(*keeper));
    keeper->matter = matter;
    keeper->options = *options;
    keeper->path = memory_string(options->path);
    keeper->begun_ms = -1;
    return keeper;
}

static void release(struct snapshot_keeper *keeper)
{
    keeper->matter->release(keeper->gathered);
    keeper->gathered = NULL;
}

/* After one was written, or was not. */
static void settle(struct snapshot_keeper *keeper)
{
    keeper->owed = atomic_load(&keeper->failed) ? keeper->owed + keeper->unsaved : 0;
}

/* Waits for the one being written. */
static void join(struct snapshot_keeper *keeper)
{
    if (keeper->under_way) {
        pthread_join(keeper->thread, NULL);
        keeper->under_way = false;
        settle(keeper);
    }
}

void snapshot_keeper_free(struct snapshot_keeper *keeper)
{
    if (keeper != NULL) {
        atomic_store(&keeper->stop, true);
        join(keeper);
        free(keeper->path);
        free(keeper);
    }
}

static void write_out(struct snapshot_keeper *keeper)
{
    const struct snapshot_matter *matter = keeper->matter;
    struct error e;
    int64_t start_ms = clock_monotonic_ms();
    bool written = matter->write(keeper->path, keeper->gathered, &keeper->stop, &e);
    atomic_store(&keeper->failed, !written);
    if (written) {
        log_event(keeper->options.log, LOG_LEVEL_INFO, matter->written,
                  LOG_NUMBER(matter->counted, keeper->count),
                  LOG_NUMBER("took_ms", clock_monotonic_ms() - start_ms));
    } else if (e.code != ERROR_RETRY) {
        log_event(keeper->options.log, LOG_LEVEL_WARNING, matter->failed,
                  LOG_TEXT("problem", e.text));
    }
    release(keeper);
}

static void *thread_main(void *argument)
{
    struct snapshot_keeper *keeper = argument;
    thread_stand_back(2);
    write_out(keeper);
    atomic_store(&keeper->ended, true);
    return NULL;
}

static bool is_worth_it(const struct snapshot_keeper *keeper)
{
    return keeper->matter->unsaved(keeper->options.set) + keeper->owed >= keeper->options.changes;
}

static void gather(struct snapshot_keeper *keeper)
{
    keeper->unsaved = keeper->matter->unsaved(keeper->options.set);
    keeper->gathered = keeper->matter->gather(keeper->options.set, &keeper->count);
    atomic_store(&keeper->ended, false);
}

void snapshot_keeper_look(struct snapshot_keeper *keeper, int64_t now_ms)
{
    if (keeper == NULL || (keeper->under_way && !atomic_load(&keeper->ended))) {
        return;
    }
    join(keeper);
    bool early = keeper->begun_ms >= 0 && now_ms < keeper->begun_ms + keeper->options.interval_ms;
    if (early || !is_worth_it(keeper)) {
        return;
    }
    struct error ignored;
    keeper->begun_ms = now_ms;
    gather(keeper);
    keeper->under_way =
        thread_start(keeper->matter->thread, thread_main, keeper, &keeper->thread, &ignored);
    if (!keeper->under_way) {
        keeper->owed += keeper->unsaved;
        release(keeper);
    }
}

int64_t snapshot_keeper_due_ms(const struct snapshot_keeper *keeper)
{
    bool wanted = keeper != NULL && keeper->begun_ms >= 0 && is_worth_it(keeper);
    return wanted ? keeper->begun_ms + keeper->options.interval_ms : -1;
}

void snapshot_keeper_finish(struct snapshot_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    join(keeper);
    if (is_worth_it(keeper)) {
        gather(keeper);
        write_out(keeper);
        settle(keeper);
    }
}
