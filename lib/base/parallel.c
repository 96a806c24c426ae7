#include "parallel.h"

#include <pthread.h>
#include <sched.h>

#include "lib/base/memory.h"
#include "lib/base/thread.h"

struct parallel {
    const struct parallel_jobs *jobs;
    pthread_mutex_t lock; /* of all below; held for a few instructions */
    pthread_cond_t room;
    pthread_cond_t finished;
    size_t next;
    size_t taken;
    size_t waiting; /* threads, for room */
    bool stopped;
    bool *done; /* worked on */
};

static bool is_abandoned(const struct parallel_jobs *jobs)
{
    return jobs->abandoned != NULL && jobs->abandoned(jobs->context);
}

static bool is_too_far_ahead(const struct parallel *parallel)
{
    const struct parallel_jobs *jobs = parallel->jobs;
    return jobs->ahead != 0 && parallel->next >= parallel->taken + jobs->ahead;
}

static void *own_new(const struct parallel_jobs *jobs)
{
    return jobs->own_new != NULL ? jobs->own_new(jobs->context) : NULL;
}

static void own_free(const struct parallel_jobs *jobs, void *own)
{
    if (jobs->own_free != NULL) {
        jobs->own_free(own);
    }
}

/* The next job to work on; false: there are none left. Under the lock. */
static bool next_job(struct parallel *parallel, size_t *ret_number)
{
    while (!parallel->stopped && parallel->next < parallel->jobs->count &&
           is_too_far_ahead(parallel)) {
        parallel->waiting++;
        pthread_cond_wait(&parallel->room, &parallel->lock);
        parallel->waiting--;
    }
    if (parallel->stopped || parallel->next == parallel->jobs->count) {
        return false;
    }
    *ret_number = parallel->next++;
    return true;
}

static void *thread_main(void *argument)
{
    struct parallel *parallel = argument;
    const struct parallel_jobs *jobs = parallel->jobs;
    size_t number = 0;
    /* Each step weighs a third of the one before: two for eight times as many. */
    thread_stand_back(jobs->on_disk ? 3 : 1);
    void *own = own_new(jobs);
    pthread_mutex_lock(&parallel->lock);
    while (next_job(parallel, &number)) {
        pthread_mutex_unlock(&parallel->lock);
        bool go_on = !is_abandoned(jobs);
        if (go_on) {
            jobs->work(number, own, jobs->context);
        }
        pthread_mutex_lock(&parallel->lock);
        parallel->done[number] = go_on;
        parallel->stopped = parallel->stopped || !go_on;
        if (number == parallel->taken || parallel->stopped) {
            pthread_cond_signal(&parallel->finished);
        }
    }
    pthread_mutex_unlock(&parallel->lock);
    own_free(jobs, own);
    return NULL;
}

/* Waits until job NUMBER, the first that is not taken, is done; false: abandoned. */
static bool wait_for(struct parallel *parallel, size_t number)
{
    pthread_mutex_lock(&parallel->lock);
    while (!parallel->done[number] && !parallel->stopped) {
        pthread_cond_wait(&parallel->finished, &parallel->lock);
    }
    bool done = parallel->done[number] && !parallel->stopped;
    pthread_mutex_unlock(&parallel->lock);
    return done;
}

/* Threads that wait are woken for a good part of what they may be ahead, not for each job. */
static void make_room(struct parallel *parallel)
{
    pthread_mutex_lock(&parallel->lock);
    parallel->taken++;
    size_t left = parallel->next - parallel->taken;
    if (parallel->waiting != 0 && left <= parallel->jobs->ahead / 2) {
        pthread_cond_broadcast(&parallel->room);
    }
    pthread_mutex_unlock(&parallel->lock);
}

static void stop(struct parallel *parallel)
{
    pthread_mutex_lock(&parallel->lock);
    parallel->stopped = true;
    pthread_cond_broadcast(&parallel->room);
    pthread_mutex_unlock(&parallel->lock);
}

static bool take_all(struct parallel *parallel)
{
    const struct parallel_jobs *jobs = parallel->jobs;
    for (size_t i = 0; i < jobs->count; i++) {
        if (!wait_for(parallel, i) || is_abandoned(jobs)) {
            stop(parallel);
            return false;
        }
        if (jobs->take != NULL) {
            jobs->take(i, jobs->context);
        }
        make_room(parallel);
    }
    return true;
}

static bool run_here(const struct parallel_jobs *jobs)
{
    void *own = own_new(jobs);
    size_t i = 0;
    for (; i < jobs->count && !is_abandoned(jobs); i++) {
        jobs->work(i, own, jobs->context);
        if (jobs->take != NULL) {
            jobs->take(i, jobs->context);
        }
    }
    own_free(jobs, own);
    return i == jobs->count;
}

size_t parallel_cores(void)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return count > 0 ? (size_t)count : 1;
}

static size_t threads_for(const struct parallel_jobs *jobs)
{
    size_t of_cores = parallel_cores() * (jobs->on_disk ? PARALLEL_ON_DISK : 1);
    size_t threads = jobs->threads != 0 ? jobs->threads : of_cores;
    threads = threads < jobs->count ? threads : jobs->count;
    return threads < PARALLEL_THREADS_MAX ? threads : PARALLEL_THREADS_MAX;
}

bool parallel_run(const struct parallel_jobs *jobs)
{
    pthread_t threads[PARALLEL_THREADS_MAX];
    struct parallel parallel = {
        .jobs = jobs,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .room = PTHREAD_COND_INITIALIZER,
        .finished = PTHREAD_COND_INITIALIZER,
    };
    struct error ignored;
    size_t wanted = jobs->count < PARALLEL_JOBS_MIN ? 0 : threads_for(jobs);
    size_t started = 0;
    parallel.done = memory_zero(jobs->count, sizeof(*parallel.done));
    while (started < wanted &&
           thread_start("parallel", thread_main, &parallel, &threads[started], &ignored)) {
        started++;
    }
    bool all = started != 0 ? take_all(&parallel) : run_here(jobs);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_cond_destroy(&parallel.finished);
    pthread_cond_destroy(&parallel.room);
    pthread_mutex_destroy(&parallel.lock);
    free(parallel.done);
    return all;
}
