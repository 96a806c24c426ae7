/* Many independent jobs at once on all cores, and their results in order.
 *
 *     static void parse(size_t number, void *own, void *context)    any thread; files[number] alone
 *     static void take(size_t number, void *context)    the caller's thread; 0, 1, 2, … in turn
 *
 *     bool all = parallel_run(&(struct parallel_jobs){
 *         .count = file_count, .work = parse, .take = take, .context = files, .ahead = 256});
 *
 * The threads live as long as the call. They run at a lower priority than the caller, so that who
 * serves is not held up by who loads; the caller takes results while they work. A few jobs, or
 * threads that cannot be had: the caller does it all by itself. */
#ifndef LIB_BASE_PARALLEL_H
#define LIB_BASE_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PARALLEL_THREADS_MAX = 64,
    PARALLEL_ON_DISK = 8,  /* times as many threads */
    PARALLEL_JOBS_MIN = 4, /* fewer are not worth a thread */
};

struct parallel_jobs {
    size_t count;
    void (*work)(size_t number, void *own, void *context);
    /* What a thread keeps from one job to the next, and no other thread sees: its WORK's OWN. Made
     * and freed on that thread. May be NULL: then OWN is. */
    void *(*own_new)(void *context);
    void (*own_free)(void *own);
    void (*take)(size_t number, void *context); /* may be NULL */
    size_t ahead; /* so many results wait to be taken at most; 0: no such bound */
    bool (*abandoned)(void *context); /* asked between two jobs, on any thread; may be NULL */
    void *context;
    size_t threads; /* 0: as many as this process may use cores, … */
    bool on_disk; /* … or so many times as many where jobs wait for a disk as well: it answers many
                     at once sooner than one after the other. All of them together weigh no more
                     beside who serves. */
};

/* False: abandoned. Each job has then been worked on and taken, or worked on alone, or neither;
 * nothing runs any more. */
bool parallel_run(const struct parallel_jobs *jobs);

/* Cores that this process may use (sched_getaffinity(2)). */
size_t parallel_cores(void);

#endif
