#include "certificate_keeper.h"

#include "base/clock.h"
#include "base/thread.h"
#include "certificates/snapshot_writer.h"

struct certificate_keeper {
    char *path;
    struct log *log;
    size_t changes;
    int64_t interval_ms;
    int64_t begun_ms; /* the last one; -1: none */
    size_t owed;      /* changes that the last one was to have, and failed */

    /* The one being written. */
    bool under_way; /* `thread` runs, or has ended and was not joined */
    pthread_t thread;
    struct certificate_pair **pairs;
    size_t count;
    size_t unsaved; /* changes it will have */
    _Atomic bool stop;
    _Atomic bool ended;
    _Atomic bool failed;
};

struct certificate_keeper *certificate_keeper_new(const struct certificate_keeper_options *options)
{
    struct certificate_keeper *keeper = memory_zero(1, sizeof(*keeper));
    keeper->path = memory_string(options->path);
    keeper->log = options->log;
    keeper->changes = options->changes;
    keeper->interval_ms = options->interval_ms;
    keeper->begun_ms = -1;
    return keeper;
}

static void free_pairs(struct certificate_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++) {
        certificate_pair_unref(keeper->pairs[i]);
    }
    free(keeper->pairs);
    keeper->pairs = NULL;
    keeper->count = 0;
}

/* After one was written, or was not. */
static void settle(struct certificate_keeper *keeper)
{
    keeper->owed = atomic_load(&keeper->failed) ? keeper->owed + keeper->unsaved : 0;
}

/* Waits for the one being written. */
static void join(struct certificate_keeper *keeper)
{
    if (keeper->under_way) {
        pthread_join(keeper->thread, NULL);
        keeper->under_way = false;
        settle(keeper);
    }
}

void certificate_keeper_free(struct certificate_keeper *keeper)
{
    if (keeper != NULL) {
        atomic_store(&keeper->stop, true);
        join(keeper);
        free(keeper->path);
        free(keeper);
    }
}

static void write_out(struct certificate_keeper *keeper)
{
    struct error e;
    int64_t start_ms = clock_monotonic_ms();
    bool written = snapshot_write(keeper->path, keeper->pairs, keeper->count, &keeper->stop, &e);
    atomic_store(&keeper->failed, !written);
    if (written) {
        log_event(keeper->log, LOG_LEVEL_INFO, "certificates.snapshot.written",
                  LOG_NUMBER("certificates", keeper->count),
                  LOG_NUMBER("took_ms", clock_monotonic_ms() - start_ms));
    } else if (e.code != ERROR_RETRY) {
        log_event(keeper->log, LOG_LEVEL_WARNING, "certificates.snapshot.failed",
                  LOG_TEXT("problem", e.text));
    }
    free_pairs(keeper);
}

static void *thread_main(void *argument)
{
    struct certificate_keeper *keeper = argument;
    thread_stand_back(2);
    write_out(keeper);
    atomic_store(&keeper->ended, true);
    return NULL;
}

static size_t changes_of(const struct certificate_keeper *keeper, const struct certificate_set *set)
{
    return certificate_set_unsaved(set) + keeper->owed;
}

static void gather(struct certificate_keeper *keeper, struct certificate_set *set)
{
    keeper->unsaved = certificate_set_unsaved(set);
    keeper->pairs = certificate_set_save(set, &keeper->count);
    atomic_store(&keeper->ended, false);
}

void certificate_keeper_look(struct certificate_keeper *keeper, struct certificate_set *set,
                             int64_t now_ms)
{
    if (keeper->under_way && !atomic_load(&keeper->ended)) {
        return;
    }
    join(keeper);
    bool early = keeper->begun_ms >= 0 && now_ms < keeper->begun_ms + keeper->interval_ms;
    if (early || changes_of(keeper, set) < keeper->changes) {
        return;
    }
    struct error ignored;
    keeper->begun_ms = now_ms;
    gather(keeper, set);
    keeper->under_way = thread_start("snapshot", thread_main, keeper, &keeper->thread, &ignored);
    if (!keeper->under_way) {
        keeper->owed += keeper->unsaved;
        free_pairs(keeper);
    }
}

int64_t certificate_keeper_due_ms(const struct certificate_keeper *keeper,
                                  const struct certificate_set *set)
{
    bool wanted = changes_of(keeper, set) >= keeper->changes;
    return wanted && keeper->begun_ms >= 0 ? keeper->begun_ms + keeper->interval_ms : -1;
}

void certificate_keeper_finish(struct certificate_keeper *keeper, struct certificate_set *set)
{
    join(keeper);
    if (changes_of(keeper, set) >= keeper->changes) {
        gather(keeper, set);
        write_out(keeper);
        settle(keeper);
    }
}
