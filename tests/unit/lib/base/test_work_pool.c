#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/work_pool.h"

enum { THREADS = 8, ADDERS = 4, WORK = 5000, QUEUED = 100 };

/* What the work of one test writes down. */
struct record {
    size_t ran[QUEUED];
    atomic_size_t run_count;
    atomic_size_t drop_count;
    sem_t begun;
    sem_t go;
    char thread_name[16];
    sigset_t blocked;
};

struct item {
    struct record *record;
    size_t number;
};

static void run_item(void *context)
{
    struct item *item = context;
    item->record->ran[atomic_fetch_add(&item->record->run_count, 1)] = item->number;
}

static void drop_item(void *context)
{
    struct item *item = context;
    atomic_fetch_add(&item->record->drop_count, 1);
}

/* Holds its thread until the test says go. */
static void hold(void *context)
{
    struct record *record = context;
    sem_post(&record->begun);
    sem_wait(&record->go);
}

static void look_at_thread(void *context)
{
    struct record *record = context;
    pthread_getname_np(pthread_self(), record->thread_name, sizeof(record->thread_name));
    pthread_sigmask(SIG_SETMASK, NULL, &record->blocked);
    sem_post(&record->begun);
}

static void say_done(void *context)
{
    struct record *record = context;
    sem_post(&record->begun);
}

static struct work_pool *start(struct record *record, size_t threads)
{
    struct work_pool *pool = NULL;
    struct error e = {0};
    sem_init(&record->begun, 0, 0);
    sem_init(&record->go, 0, 0);
    if (!work_pool_new("twelve-bytes", threads, &pool, &e)) {
        fail_msg("%s", e.text);
    }
    return pool;
}

static void test_runs_in_the_order_added(void **state)
{
    (void)state;
    struct record record = {0};
    struct item items[QUEUED];
    struct work_pool *pool = start(&record, 1);
    work_pool_add(pool, hold, NULL, &record);
    sem_wait(&record.begun);
    assert_int_equal(work_pool_waiting(pool), 0);
    for (size_t i = 0; i < QUEUED; i++) {
        items[i] = (struct item){&record, i};
        work_pool_add(pool, run_item, drop_item, &items[i]);
    }
    work_pool_add(pool, say_done, NULL, &record);
    assert_int_equal(work_pool_waiting(pool), QUEUED + 1);
    sem_post(&record.go);
    sem_wait(&record.begun);
    assert_int_equal(work_pool_waiting(pool), 0);
    work_pool_free(pool);
    assert_int_equal(record.run_count, QUEUED);
    assert_int_equal(record.drop_count, 0);
    for (size_t i = 0; i < QUEUED; i++) {
        assert_int_equal(record.ran[i], i);
    }
}

struct freeing {
    struct work_pool *pool;
    pthread_t thread;
    _Atomic pid_t id;
};

static void *free_pool(void *context)
{
    struct freeing *freeing = context;
    freeing->id = gettid();
    work_pool_free(freeing->pool);
    return NULL;
}

/* Nobody holds the pool's lock for long: what it sleeps for is the end of the pool's threads. */
static bool is_asleep(pid_t id)
{
    char path[64];
    char state = '?';
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)id);
    FILE *file = fopen(path, "re");
    bool known = file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    if (file != NULL) {
        fclose(file);
    }
    return known && state == 'S';
}

/* The only thread is held, and the pool is freed meanwhile: what is under way is waited for, and
 * what has not begun is dropped. */
static void test_free_waits_for_what_began_and_drops_the_rest(void **state)
{
    (void)state;
    struct record record = {0};
    struct item items[QUEUED];
    struct freeing freeing = {.pool = start(&record, 1)};
    work_pool_add(freeing.pool, hold, NULL, &record);
    sem_wait(&record.begun);
    for (size_t i = 0; i < QUEUED; i++) {
        items[i] = (struct item){&record, i};
        work_pool_add(freeing.pool, run_item, i % 2 == 0 ? drop_item : NULL, &items[i]);
    }
    assert_int_equal(pthread_create(&freeing.thread, NULL, free_pool, &freeing), 0);
    while (freeing.id == 0 || !is_asleep(freeing.id)) {
        sched_yield();
    }
    assert_int_equal(record.drop_count, 0);
    sem_post(&record.go);
    assert_int_equal(pthread_join(freeing.thread, NULL), 0);
    assert_int_equal(record.run_count, 0);
    assert_int_equal(record.drop_count, QUEUED / 2);
}

/* As many pieces of work at a time as there are threads: each waits until all have begun. */
static void test_threads_work_side_by_side(void **state)
{
    (void)state;
    struct record record = {0};
    struct work_pool *pool = start(&record, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        work_pool_add(pool, hold, NULL, &record);
    }
    for (size_t i = 0; i < THREADS; i++) {
        sem_wait(&record.begun);
    }
    for (size_t i = 0; i < THREADS; i++) {
        sem_post(&record.go);
    }
    work_pool_free(pool);
}

static void test_threads_have_the_name_and_block_signals(void **state)
{
    (void)state;
    struct record record = {0};
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct work_pool *pool = start(&record, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    work_pool_add(pool, look_at_thread, NULL, &record);
    sem_wait(&record.begun);
    work_pool_free(pool);
    assert_string_equal(record.thread_name, "twelve-bytes");
    assert_true(sigismember(&record.blocked, SIGTERM) == 1);
    assert_true(sigismember(&record.blocked, SIGCHLD) == 1);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

struct adder {
    struct work_pool *pool;
    pthread_t thread;
    atomic_size_t count;
};

static void count_one(void *context)
{
    atomic_size_t *count = context;
    atomic_fetch_add(count, 1);
}

static void *add_all(void *context)
{
    struct adder *adder = context;
    for (size_t i = 0; i < WORK; i++) {
        work_pool_add(adder->pool, count_one, count_one, &adder->count);
    }
    return NULL;
}

static void test_many_add_and_each_is_run_or_dropped_once(void **state)
{
    (void)state;
    struct record record = {0};
    struct adder adders[ADDERS] = {0};
    struct work_pool *pool = start(&record, THREADS);
    for (size_t i = 0; i < ADDERS; i++) {
        adders[i].pool = pool;
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_all, &adders[i]), 0);
    }
    for (size_t i = 0; i < ADDERS; i++) {
        pthread_join(adders[i].thread, NULL);
    }
    work_pool_free(pool);
    for (size_t i = 0; i < ADDERS; i++) {
        assert_int_equal(adders[i].count, WORK);
    }
    work_pool_free(NULL);
}

/* Twice as much slow work as there are threads, none of which ends: half of the threads hold it,
 * and quick work is done by the others. What waits of the slow work is done once that ends. */
static void test_slow_work_takes_half_of_the_threads(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t threads;
        size_t slow; /* that run at a time */
    } rows[] = {{"two", 2, 1}, {"three", 3, 2}, {"eight", 8, 4}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct record slow = {0};
        struct record quick = {0};
        struct item items[QUEUED];
        struct work_pool *pool = start(&slow, rows[r].threads);
        sem_init(&quick.begun, 0, 0);
        for (size_t i = 0; i < 2 * rows[r].threads; i++) {
            work_pool_add_to(pool, WORK_SLOW, hold, NULL, &slow);
        }
        for (size_t i = 0; i < rows[r].slow; i++) {
            sem_wait(&slow.begun);
        }
        for (size_t i = 0; i < QUEUED; i++) {
            items[i] = (struct item){&quick, i};
            work_pool_add(pool, run_item, drop_item, &items[i]);
        }
        while (quick.run_count != QUEUED) {
            sched_yield();
        }
        print_message("%s\n", rows[r].name);
        assert_int_equal(sem_trywait(&slow.begun), -1);
        assert_int_equal(work_pool_waiting(pool), 2 * rows[r].threads - rows[r].slow);
        for (size_t i = 0; i < 2 * rows[r].threads; i++) {
            sem_post(&slow.go);
        }
        for (size_t i = rows[r].slow; i < 2 * rows[r].threads; i++) {
            sem_wait(&slow.begun);
        }
        work_pool_free(pool);
    }
}

/* Slow work has threads of its own, too: a flood of quick work does not keep it waiting. */
static void test_quick_work_does_not_hold_up_slow_work(void **state)
{
    (void)state;
    struct record record = {0};
    struct item items[QUEUED];
    struct work_pool *pool = start(&record, 1);
    work_pool_add(pool, hold, NULL, &record);
    sem_wait(&record.begun);
    for (size_t i = 0; i < QUEUED; i++) {
        items[i] = (struct item){&record, i};
        work_pool_add_to(pool, i == QUEUED - 1 ? WORK_SLOW : WORK_QUICK, run_item, NULL, &items[i]);
    }
    work_pool_add(pool, say_done, NULL, &record);
    sem_post(&record.go);
    sem_wait(&record.begun);
    work_pool_free(pool);
    assert_int_equal(record.ran[0], QUEUED - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_in_the_order_added),
        cmocka_unit_test(test_free_waits_for_what_began_and_drops_the_rest),
        cmocka_unit_test(test_threads_work_side_by_side),
        cmocka_unit_test(test_threads_have_the_name_and_block_signals),
        cmocka_unit_test(test_slow_work_takes_half_of_the_threads),
        cmocka_unit_test(test_quick_work_does_not_hold_up_slow_work),
        cmocka_unit_test(test_many_add_and_each_is_run_or_dropped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
