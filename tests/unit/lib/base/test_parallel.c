#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/parallel.h"

enum { JOBS_MAX = 5000 };

/* What the jobs of one test write down. */
struct record {
    size_t squares[JOBS_MAX];
    size_t sum;
    size_t next;
    pid_t caller;
    size_t ahead;
    atomic_size_t worked;
    atomic_size_t taken;
    size_t abandon_at; /* jobs worked on; 0: never */
    int priority;
};

static void work(size_t number, void *own, void *context)
{
    (void)own;
    struct record *record = context;
    assert_int_equal(record->squares[number], 0);
    if (record->ahead != 0) {
        assert_true(number < atomic_load(&record->taken) + record->ahead);
    }
    record->squares[number] = number * number + 1;
    atomic_fetch_add(&record->worked, 1);
}

static void take(size_t number, void *context)
{
    struct record *record = context;
    assert_int_equal(gettid(), record->caller);
    assert_int_equal(number, record->next++);
    assert_int_equal(record->squares[number], number * number + 1);
    record->sum += record->squares[number];
    atomic_fetch_add(&record->taken, 1);
}

static bool abandoned(void *context)
{
    struct record *record = context;
    return record->abandon_at != 0 && atomic_load(&record->worked) >= record->abandon_at;
}

static struct record *record_new(void)
{
    struct record *record = memory_zero(1, sizeof(*record));
    record->caller = gettid();
    return record;
}

static void results_come_in_order(void **state)
{
    static const struct {
        const char *name;
        size_t count;
        size_t threads;
        size_t ahead;
    } rows[] = {
        {"none", 0, 0, 0},
        {"one", 1, 0, 0},
        {"a few, by the caller", PARALLEL_JOBS_MIN - 1, 8, 1},
        {"more threads than jobs", PARALLEL_JOBS_MIN, 64, 0},
        {"one thread", 1000, 1, 7},
        {"each waits for the one before", 1000, 8, 1},
        {"many", JOBS_MAX, 8, 0},
        {"many, a few ahead", JOBS_MAX, 8, 16},
        {"as many as cores", JOBS_MAX, 0, 100},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE struct record *record = record_new();
        record->ahead = rows[i].ahead;
        size_t want = 0;
        for (size_t n = 0; n < rows[i].count; n++) {
            want += n * n + 1;
        }
        bool all = parallel_run(&(struct parallel_jobs){
            .count = rows[i].count,
            .work = work,
            .take = take,
            .ahead = rows[i].ahead,
            .abandoned = abandoned,
            .context = record,
            .threads = rows[i].threads,
        });
        if (!all || record->sum != want || atomic_load(&record->worked) != rows[i].count) {
            fail_msg("%s: sum %zu, %zu jobs", rows[i].name, record->sum,
                     atomic_load(&record->worked));
        }
    }
}

static void results_need_not_be_taken(void **state)
{
    (void)state;
    CLEANUP_FREE struct record *record = record_new();
    assert_true(
        parallel_run(&(struct parallel_jobs){.count = JOBS_MAX, .work = work, .context = record}));
    assert_int_equal(atomic_load(&record->worked), JOBS_MAX);
}

static void abandoning_ends_it(void **state)
{
    static const size_t threads[] = {1, 8};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        CLEANUP_FREE struct record *record = record_new();
        record->abandon_at = 100;
        assert_false(parallel_run(&(struct parallel_jobs){
            .count = JOBS_MAX,
            .work = work,
            .take = take,
            .abandoned = abandoned,
            .context = record,
            .threads = threads[i],
        }));
        assert_in_range(atomic_load(&record->worked), 100, 100 + threads[i]);
        assert_true(record->next <= atomic_load(&record->worked));
    }
}

static void abandoned_from_the_first(void **state)
{
    (void)state;
    CLEANUP_FREE struct record *record = record_new();
    record->abandon_at = 1;
    atomic_store(&record->worked, 1);
    assert_false(parallel_run(&(struct parallel_jobs){
        .count = 2, .work = work, .abandoned = abandoned, .context = record}));
    assert_int_equal(record->squares[0], 0);
}

static void note_priority(size_t number, void *own, void *context)
{
    (void)own;
    struct record *record = context;
    if (number == 0) {
        record->priority = getpriority(PRIO_PROCESS, (id_t)gettid());
    }
}

static void threads_stand_back(void **state)
{
    (void)state;
    CLEANUP_FREE struct record *record = record_new();
    int before = getpriority(PRIO_PROCESS, 0);
    assert_true(parallel_run(&(struct parallel_jobs){
        .count = PARALLEL_JOBS_MIN, .work = note_priority, .context = record}));
    assert_true(record->priority > before || before > 14);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

static void more_threads_on_disk_stand_further_back(void **state)
{
    (void)state;
    CLEANUP_FREE struct record *record = record_new();
    int before = getpriority(PRIO_PROCESS, 0);
    struct parallel_jobs jobs = {.count = JOBS_MAX, .work = note_priority, .context = record};
    assert_true(parallel_run(&jobs));
    int near = record->priority;
    jobs.on_disk = true;
    assert_true(parallel_run(&jobs));
    assert_true(record->priority > near || before > 9);
}

/* --- What a thread keeps --- */

struct own {
    pid_t thread;
    size_t jobs;
    struct kept *kept;
};

struct kept {
    atomic_size_t made;
    atomic_size_t freed;
    atomic_size_t jobs; /* of all that were freed */
};

static void *own_new(void *context)
{
    struct own *own = memory_zero(1, sizeof(*own));
    *own = (struct own){.thread = gettid(), .kept = context};
    atomic_fetch_add(&own->kept->made, 1);
    return own;
}

static void own_free(void *pointer)
{
    struct own *own = pointer;
    assert_int_equal(gettid(), own->thread);
    atomic_fetch_add(&own->kept->freed, 1);
    atomic_fetch_add(&own->kept->jobs, own->jobs);
    free(own);
}

static void use_own(size_t number, void *pointer, void *context)
{
    struct own *own = pointer;
    (void)number;
    assert_int_equal(gettid(), own->thread);
    assert_ptr_equal(context, own->kept);
    own->jobs++;
}

static void a_thread_keeps_its_own(void **state)
{
    static const struct {
        size_t jobs;
        size_t threads;
        size_t made;
    } rows[] = {{PARALLEL_JOBS_MIN - 1, 8, 1}, {1000, 1, 1}, {1000, 8, 8}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct kept kept = {0};
        assert_true(parallel_run(&(struct parallel_jobs){.count = rows[i].jobs,
                                                         .work = use_own,
                                                         .own_new = own_new,
                                                         .own_free = own_free,
                                                         .context = &kept,
                                                         .threads = rows[i].threads}));
        assert_int_equal(atomic_load(&kept.made), rows[i].made);
        assert_int_equal(atomic_load(&kept.freed), rows[i].made);
        assert_int_equal(atomic_load(&kept.jobs), rows[i].jobs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_in_order),
        cmocka_unit_test(results_need_not_be_taken),
        cmocka_unit_test(abandoning_ends_it),
        cmocka_unit_test(abandoned_from_the_first),
        cmocka_unit_test(threads_stand_back),
        cmocka_unit_test(more_threads_on_disk_stand_further_back),
        cmocka_unit_test(a_thread_keeps_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
