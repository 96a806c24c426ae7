#include "policy_keeper.h"

#include "base/clock.h"
#include "base/thread.h"
#include "loader/policy_snapshot_file.h"

struct policy_keeper {
    char *path;
    struct log *log;
    uint64_t octets;
    int64_t interval_ms;
    int64_t begun_ms; /* the last one; -1: none */
    uint64_t owed;    /* octets that the last one was to have, and failed */

    /* The one being written. */
    bool under_way; /* `thread` runs, or has ended and was not joined */
    pthread_t thread;
    char **files;
    size_t count;
    struct policy_file_defaults defaults;
    uint64_t unsaved; /* octets it will have */
    _Atomic bool stop;
    _Atomic bool ended;
    _Atomic bool failed;
};

struct policy_keeper *policy_keeper_new(const struct policy_keeper_options *options)
{
    struct policy_keeper *keeper = memory_zero(1, sizeof(*keeper));
    keeper->path = memory_string(options->path);
    keeper->log = options->log;
    keeper->octets = options->octets;
    keeper->interval_ms = options->interval_ms;
    keeper->begun_ms = -1;
    return keeper;
}

static void free_files(struct policy_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++) {
        free(keeper->files[i]);
    }
    free(keeper->files);
    keeper->files = NULL;
    keeper->count = 0;
}

/* After one was written, or was not. */
static void settle(struct policy_keeper *keeper)
{
    keeper->owed = atomic_load(&keeper->failed) ? keeper->owed + keeper->unsaved : 0;
}

/* Waits for the one being written. */
static void join(struct policy_keeper *keeper)
{
    if (keeper->under_way) {
        pthread_join(keeper->thread, NULL);
        keeper->under_way = false;
        settle(keeper);
    }
}

void policy_keeper_free(struct policy_keeper *keeper)
{
    if (keeper != NULL) {
        atomic_store(&keeper->stop, true);
        join(keeper);
        free(keeper->path);
        free(keeper);
    }
}

static void write_out(struct policy_keeper *keeper)
{
    struct error e;
    int64_t start_ms = clock_monotonic_ms();
    bool written = policy_snapshot_write(keeper->path, keeper->files, keeper->count,
                                         &keeper->defaults, &keeper->stop, &e);
    atomic_store(&keeper->failed, !written);
    if (written) {
        log_event(keeper->log, LOG_LEVEL_INFO, "policies.snapshot.written",
                  LOG_NUMBER("files", keeper->count),
                  LOG_NUMBER("took_ms", clock_monotonic_ms() - start_ms));
    } else if (e.code != ERROR_RETRY) {
        log_event(keeper->log, LOG_LEVEL_WARNING, "policies.snapshot.failed",
                  LOG_TEXT("problem", e.text));
    }
    free_files(keeper);
}

static void *thread_main(void *argument)
{
    struct policy_keeper *keeper = argument;
    thread_stand_back(2);
    write_out(keeper);
    atomic_store(&keeper->ended, true);
    return NULL;
}

static uint64_t changes_of(const struct policy_keeper *keeper, const struct policy_set *set)
{
    return policy_set_unsaved(set) + keeper->owed;
}

static void gather(struct policy_keeper *keeper, struct policy_set *set)
{
    keeper->unsaved = policy_set_unsaved(set);
    keeper->files = policy_set_save(set, &keeper->defaults, &keeper->count);
    atomic_store(&keeper->ended, false);
}

void policy_keeper_look(struct policy_keeper *keeper, struct policy_set *set, int64_t now_ms)
{
    if (keeper->under_way && !atomic_load(&keeper->ended)) {
        return;
    }
    join(keeper);
    bool early = keeper->begun_ms >= 0 && now_ms < keeper->begun_ms + keeper->interval_ms;
    if (early || changes_of(keeper, set) < keeper->octets) {
        return;
    }
    struct error ignored;
    keeper->begun_ms = now_ms;
    gather(keeper, set);
    keeper->under_way =
        thread_start("policy snapshot", thread_main, keeper, &keeper->thread, &ignored);
    if (!keeper->under_way) {
        keeper->owed += keeper->unsaved;
        free_files(keeper);
    }
}

int64_t policy_keeper_due_ms(const struct policy_keeper *keeper, const struct policy_set *set)
{
    bool wanted = changes_of(keeper, set) >= keeper->octets;
    return wanted && keeper->begun_ms >= 0 ? keeper->begun_ms + keeper->interval_ms : -1;
}

void policy_keeper_finish(struct policy_keeper *keeper, struct policy_set *set)
{
    join(keeper);
    if (changes_of(keeper, set) >= keeper->octets) {
        gather(keeper, set);
        write_out(keeper);
        settle(keeper);
    }
}
