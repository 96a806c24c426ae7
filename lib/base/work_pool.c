#include "work_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/base/thread.h"

struct work {
    struct work *next;
    enum work_lane lane;
    void (*run)(void *context);
    void (*drop)(void *context);
    void *context;
};

/* What waits for a thread, in the order it was added. */
struct queue {
    struct work *first;
    struct work **end;
};

struct work_pool {
    pthread_mutex_t lock; /* of all below but THREADS; held for a few instructions */
    pthread_cond_t more;
    struct queue queues[WORK_LANES];
    size_t waiting;    /* in all lanes */
    size_t slow_count; /* threads that do work of the slow lane now … */
    size_t slow_max;   /* … and may at most */
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
    char name[16];
};

static struct work *queue_take(struct queue *queue)
{
    struct work *work = queue->first;
    if (work != NULL) {
        queue->first = work->next;
        queue->end = queue->first != NULL ? queue->end : &queue->first;
    }
    return work;
}

/* The next work that a thread may begin, or NULL. Under the lock. The slow lane goes first while
 * threads of its own are free: it cannot take the others', which are left to the quick lane. */
static struct work *take(struct work_pool *pool)
{
    struct work *work = NULL;
    if (pool->slow_count < pool->slow_max) {
        work = queue_take(&pool->queues[WORK_SLOW]);
        pool->slow_count += work != NULL;
    }
    if (work == NULL) {
        work = queue_take(&pool->queues[WORK_QUICK]);
    }
    pool->waiting -= work != NULL;
    return work;
}

/* Waits for work; NULL: there will be no more. */
static struct work *wait_for_work(struct work_pool *pool)
{
    struct work *work = NULL;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && (work = take(pool)) == NULL) {
        pthread_cond_wait(&pool->more, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return work;
}

/* The thread that ends slow work looks for more of it itself: nobody needs to be woken. */
static void note_end(struct work_pool *pool, const struct work *work)
{
    pthread_mutex_lock(&pool->lock);
    pool->slow_count -= work->lane == WORK_SLOW;
    pthread_mutex_unlock(&pool->lock);
}

static void *thread_main(void *argument)
{
    struct work_pool *pool = argument;
    struct work *work = NULL;
    while ((work = wait_for_work(pool)) != NULL) {
        work->run(work->context);
        note_end(pool, work);
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
    for (size_t i = 0; i < WORK_LANES; i++) {
        pool->queues[i].end = &pool->queues[i].first;
    }
    pool->slow_max = (threads + 1) / 2;
    pool->threads = memory_zero(threads, sizeof(*pool->threads));
    (void)snprintf(pool->name, sizeof(pool->name), "%s", name);
    if (!start_threads(pool, threads, e)) {
        work_pool_free(pool);
        return false;
    }
    *ret_pool = pool;
    return true;
}

static void drop_all(struct queue *queue)
{
    struct work *work = NULL;
    while ((work = queue_take(queue)) != NULL) {
        if (work->drop != NULL) {
            work->drop(work->context);
        }
        free(work);
    }
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
    for (size_t i = 0; i < WORK_LANES; i++) {
        drop_all(&pool->queues[i]);
    }
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

void work_pool_add_to(struct work_pool *pool, enum work_lane lane, void (*run)(void *context),
                      void (*drop)(void *context), void *context)
{
    struct work *work = memory_zero(1, sizeof(*work));
    *work = (struct work){.lane = lane, .run = run, .drop = drop, .context = context};
    pthread_mutex_lock(&pool->lock);
    struct queue *queue = &pool->queues[lane];
    *queue->end = work;
    queue->end = &work->next;
    pool->waiting++;
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
}

void work_pool_add(struct work_pool *pool, void (*run)(void *context), void (*drop)(void *context),
                   void *context)
{
    work_pool_add_to(pool, WORK_QUICK, run, drop, context);
}

size_t work_pool_waiting(struct work_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}
