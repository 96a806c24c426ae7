#include "certificate_waits.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void certificate_waits_init(struct certificate_waits *waits)
{
    waits->by_source = NULL;
    TAILQ_INIT(&waits->queue);
}

static int compare(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct certificate_wait *)left)->source;
    uintptr_t b = (uintptr_t)((const struct certificate_wait *)right)->source;
    return (a > b) - (a < b);
}

void certificate_waits_clear(struct certificate_waits *waits)
{
    tdestroy(waits->by_source, free);
    certificate_waits_init(waits);
}

static struct certificate_wait *find(const struct certificate_waits *waits,
                                     struct certificate_source *source)
{
    const struct certificate_wait key = {.source = source};
    void *const *found = source->waiting ? tfind(&key, &waits->by_source, compare) : NULL;
    return found != NULL ? *found : NULL;
}

static struct certificate_wait *add(struct certificate_waits *waits,
                                    struct certificate_source *source)
{
    struct certificate_wait *wait = memory_zero(1, sizeof(*wait));
    wait->source = source;
    source->waiting = true;
    if (tsearch(wait, &waits->by_source, compare) == NULL) {
        abort(); /* out of memory */
    }
    return wait;
}

static bool are_equal(const struct file_identity *a, const struct file_identity *b)
{
    bool equal = true;
    for (size_t i = 0; i < CERTIFICATE_PAIR_FILES_MAX; i++) {
        equal = equal && file_identity_equal(&a[i], &b[i]);
    }
    return equal;
}

static void enqueue(struct certificate_waits *waits, struct certificate_wait *wait)
{
    TAILQ_INSERT_TAIL(&waits->queue, wait, link);
    wait->queued = true;
}

static void dequeue(struct certificate_waits *waits, struct certificate_wait *wait)
{
    if (wait->queued) {
        TAILQ_REMOVE(&waits->queue, wait, link);
        wait->queued = false;
    }
}

bool certificate_waits_is_over(struct certificate_waits *waits, struct certificate_source *source,
                               const struct file_identity *files, int64_t now_ms, int64_t settle_ms)
{
    struct certificate_wait *wait = find(waits, source);
    bool same = wait != NULL && are_equal(wait->files, files);
    if (same && now_ms >= wait->since_ms + settle_ms) {
        certificate_waits_forget(waits, source);
        return true;
    }
    if (!same) {
        wait = wait != NULL ? wait : add(waits, source);
        memcpy(wait->files, files, sizeof(wait->files));
        wait->since_ms = now_ms;
        dequeue(waits, wait);
        enqueue(waits, wait);
    }
    return false;
}

void certificate_waits_forget(struct certificate_waits *waits, struct certificate_source *source)
{
    struct certificate_wait *wait = find(waits, source);
    if (wait != NULL) {
        tdelete(wait, &waits->by_source, compare);
        dequeue(waits, wait);
        free(wait);
        source->waiting = false;
    }
}

int64_t certificate_waits_due_ms(const struct certificate_waits *waits, int64_t settle_ms)
{
    const struct certificate_wait *wait = TAILQ_FIRST(&waits->queue);
    return wait != NULL ? wait->since_ms + settle_ms : -1;
}

struct certificate_source *certificate_waits_next(struct certificate_waits *waits, int64_t now_ms,
                                                  int64_t settle_ms)
{
    struct certificate_wait *wait = TAILQ_FIRST(&waits->queue);
    if (wait == NULL || now_ms < wait->since_ms + settle_ms) {
        return NULL;
    }
    dequeue(waits, wait);
    return wait->source;
}
