#include "access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/thread.h"

enum { FILE_MODE = 0640, BATCH_OCTETS = 64 * 1024, LOOK_EVERY_MS = 1000 };

struct ring {
    _Alignas(64) _Atomic uint32_t head; /* the worker's: records ever written */
    _Alignas(64) _Atomic uint32_t tail; /* the thread's: records ever read */
    _Atomic uint64_t dropped;
    struct access_record records[ACCESS_LOG_RING];
};

struct access_log {
    enum settings_access_log format;
    char *file;
    int fd;
    struct log *log;
    size_t workers;
    struct ring **rings;
    pthread_t thread;
    int wake; /* eventfd */
    _Atomic bool asleep;
    _Atomic bool reopen;
    _Atomic bool stop;
    uint64_t dropped_told;
    bool failing; /* the last write failed, and that was said */
};

/* --- A worker's side --- */

struct access_record *access_log_next(struct access_log *access, size_t worker)
{
    struct ring *ring = access->rings[worker];
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == ACCESS_LOG_RING) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return NULL;
    }
    return &ring->records[head % ACCESS_LOG_RING];
}

static void wake(struct access_log *access)
{
    uint64_t one = 1;
    ssize_t ignored = write(access->wake, &one, sizeof(one));
    (void)ignored;
}

void access_log_commit(struct access_log *access, size_t worker)
{
    struct ring *ring = access->rings[worker];
    atomic_fetch_add(&ring->head, 1);
    /* Pairs with the thread's look at the rings after it said that it sleeps. */
    if (atomic_exchange(&access->asleep, false)) {
        wake(access);
    }
}

/* --- The thread's side --- */

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
}

static void tell_failure(struct access_log *access)
{
    char why[128];
    const char *text = strerror_r(errno, why, sizeof(why));
    log_event(access->log, LOG_LEVEL_ERROR, "access_log.failed", LOG_TEXT("file", access->file),
              LOG_TEXT("error", text));
}

static void write_batch(struct access_log *access, struct buffer *batch)
{
    struct bytes left = buffer_bytes(batch);
    while (left.n != 0) {
        ssize_t n = write(access->fd, left.p, left.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && !access->failing) {
            access->failing = true;
            tell_failure(access);
        }
        if (n <= 0) {
            break;
        }
        access->failing = false;
        left = bytes_skip(left, (size_t)n);
    }
    buffer_reset(batch);
}

static void to_log(struct access_log *access, const struct access_record *record)
{
    log_event(access->log, LOG_LEVEL_INFO, "http.request", LOG_TEXT("address", record->address),
              LOG_TEXT("host", record->host), LOG_TEXT("method", record->method),
              LOG_TEXT("path", record->path), LOG_TEXT("protocol", access_record_protocol(record)),
              LOG_NUMBER("status", record->status), LOG_NUMBER("octets", record->octets),
              LOG_TEXT("agent", record->agent));
}

static void write_record(struct access_log *access, const struct access_record *record,
                         struct buffer *batch)
{
    if (access->file == NULL) {
        to_log(access, record);
        return;
    }
    if (batch->n + ACCESS_LINE_MAX > batch->max) {
        write_batch(access, batch);
    }
    if (access->format == ACCESS_LOG_JSON) {
        access_record_json(record, batch);
    } else {
        access_record_combined(record, batch);
    }
}

/* True where there was something. */
static bool drain(struct access_log *access, struct buffer *batch)
{
    bool any = false;
    uint64_t dropped = 0;
    for (size_t i = 0; i < access->workers; i++) {
        struct ring *ring = access->rings[i];
        uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        uint32_t head = atomic_load(&ring->head);
        for (; tail != head; tail++) {
            write_record(access, &ring->records[tail % ACCESS_LOG_RING], batch);
            atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
            any = true;
        }
        dropped += atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    }
    if (batch->n != 0) {
        write_batch(access, batch);
    }
    if (dropped != access->dropped_told) {
        log_event(access->log, LOG_LEVEL_WARNING, "access_log.dropped",
                  LOG_NUMBER("records", dropped - access->dropped_told));
        access->dropped_told = dropped;
    }
    return any;
}

static void reopen_file(struct access_log *access)
{
    int fd = open_file(access->file);
    if (fd < 0) {
        tell_failure(access);
        return;
    }
    file_close(&access->fd);
    access->fd = fd;
}

static void sleep_until_woken(struct access_log *access)
{
    struct pollfd poll_fd = {.fd = access->wake, .events = POLLIN};
    if (poll(&poll_fd, 1, LOOK_EVERY_MS) > 0) {
        uint64_t ignored = 0;
        ssize_t n = read(access->wake, &ignored, sizeof(ignored));
        (void)n;
    }
}

static void *thread_main(void *argument)
{
    struct access_log *access = argument;
    CLEANUP(buffer_clear) struct buffer batch = BUFFER(BATCH_OCTETS);
    while (!atomic_load(&access->stop)) {
        if (atomic_exchange(&access->reopen, false) && access->file != NULL) {
            reopen_file(access);
        }
        if (drain(access, &batch)) {
            continue;
        }
        atomic_store(&access->asleep, true);
        if (!drain(access, &batch) && !atomic_load(&access->stop)) {
            sleep_until_woken(access);
        }
        atomic_store(&access->asleep, false);
    }
    (void)drain(access, &batch);
    return NULL;
}

static void free_all(struct access_log *access)
{
    for (size_t i = 0; i < access->workers; i++) {
        free(access->rings[i]);
    }
    free(access->rings);
    file_close(&access->fd);
    file_close(&access->wake);
    free(access->file);
    free(access);
}

bool access_log_open(enum settings_access_log format, const char *file, size_t workers,
                     struct log *log, struct access_log **ret_access, struct error *e)
{
    struct access_log *access = memory_zero(1, sizeof(*access));
    access->format = format;
    access->log = log;
    access->workers = workers;
    access->rings = memory_zero(workers, sizeof(struct ring *));
    access->fd = -1;
    access->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (size_t i = 0; i < workers; i++) {
        access->rings[i] = aligned_alloc(_Alignof(struct ring), sizeof(struct ring));
        if (access->rings[i] == NULL) {
            abort();
        }
        atomic_init(&access->rings[i]->head, 0);
        atomic_init(&access->rings[i]->tail, 0);
        atomic_init(&access->rings[i]->dropped, 0);
    }
    if (file != NULL) {
        access->file = memory_string(file);
        access->fd = open_file(file);
    }
    if (access->wake < 0 || (file != NULL && access->fd < 0)) {
        error_format_system(e, "cannot open the access log %s", file != NULL ? file : "");
        free_all(access);
        return false;
    }
    if (!thread_start("access-log", thread_main, access, &access->thread, e)) {
        free_all(access);
        return false;
    }
    *ret_access = access;
    return true;
}

void access_log_close(struct access_log *access)
{
    if (access != NULL) {
        atomic_store(&access->stop, true);
        wake(access);
        pthread_join(access->thread, NULL);
        free_all(access);
    }
}

void access_log_reopen(struct access_log *access)
{
    if (access != NULL) {
        atomic_store(&access->reopen, true);
        wake(access);
    }
}
