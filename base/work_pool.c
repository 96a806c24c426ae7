#include "work_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/thread.h"

struct work {
    struct work *next;
    void (*run)(void *context);
    void (*drop)(void *context);
    void *context;
};

struct work_pool {
    pthread_mutex_t lock; /* of all below but THREADS; held for a few instructions */
    pthread_cond_t more;
    struct work *first;
    struct work **end;
    size_t waiting;
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
    char name[16];
};

/* The next work, or NULL. Under the lock. */
static struct work *take(struct work_pool *pool)
{
    struct work *work = pool->first;
    if (work != NULL) {
        pool->first = work->next;
        pool->end = pool->first != NULL ? pool->end : &pool->first;
        pool->waiting--;
    }
    return work;
}

/* Waits for work; NULL: there will be no more. */
static struct work *wait_for_work(struct work_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->stopping) {
        pthread_cond_wait(&pool->more, &pool->lock);
    }
    struct work *work = pool->stopping ? NULL : take(pool);
    pthread_mutex_unlock(&pool->lock);
    return work;
}

static void *thread_main(void *argument)
{
    struct work_pool *pool = argument;
    struct work *work = NULL;
    while ((work = wait_for_work(pool)) != NULL) {
        work->run(work->context);
        free(work);
    }
    return NULL;
}

static bool start_threads(struct work_pool *pool, size_t count, struct error *e)
{
    while (pool->thread_count < count) {
        if (!thread_start(pool->name, thread_main, pool, &pool->threads[pool->thread_count], e)) {
            return false;
        }
        pool->thread_count++;
    }
    return true;
}

bool work_pool_new(const char *name, size_t threads, struct work_pool **ret_pool, struct error *e)
{
    assert(threads != 0);
    struct work_pool *pool = memory_zero(1, sizeof(*pool));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    pool->end = &pool->first;
    pool->threads = memory_zero(threads, sizeof(*pool->threads));
    (void)snprintf(pool->name, sizeof(pool->name), "%s", name);
    if (!start_threads(pool, threads, e)) {
        work_pool_free(pool);
        return false;
    }
    *ret_pool = pool;
    return true;
}

void work_pool_free(struct work_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    /* No other thread is left: no lock, so that DROP may call whatever it likes. */
    struct work *work = NULL;
    while ((work = take(pool)) != NULL) {
        if (work->drop != NULL) {
            work->drop(work->context);
        }
        free(work);
    }
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

void work_pool_add(struct work_pool *pool, void (*run)(void *context), void (*drop)(void *context),
                   void *context)
{
    struct work *work = memory_zero(1, sizeof(*work));
    *work = (struct work){.run = run, .drop = drop, .context = context};
    pthread_mutex_lock(&pool->lock);
    *pool->end = work;
    pool->end = &work->next;
    pool->waiting++;
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
}

size_t work_pool_waiting(struct work_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}
