/* What is served, into the memory of it: after it is served, and never in its way. */
#include <poll.h>

#include "lib/base/clock.h"
#include "policies/live/last_good_import.h"
#include "policies/loader/loader_parts.h"

enum {
    SLICE_OCTETS = 4 * 1024 * 1024, /* encoded between two looks at what changed */
    FINISH_MS = 10000,              /* a stop waits so long for what is not written yet */
};

static void put(const struct served_file *file, struct buffer *version, void *context)
{
    memory_writer_put(context, file, version);
}

static void forget(struct bytes entry, struct bytes path, void *context)
{
    memory_writer_remove(context, entry, path);
}

/* Its content has been taken over, and is in the memory now. */
static void remove_import(struct loader *loader)
{
    struct error ignored;
    if (!loader->import_removed && memory_writer_is_written(loader->memory)) {
        /* What cannot be removed is no more than clutter: a memory that is there goes before it. */
        loader->import_removed = true;
        (void)!last_good_import_remove(loader->settings->state, &ignored);
    }
}

void loader_tend_memory(struct loader *loader)
{
    bool afresh = false;
    if (!memory_writer_wants(loader->memory, &afresh)) {
        return;
    }
    /* At a start the memory is what was restored, where nobody else has written since it was read.
     */
    bool restored = loader->memory_is_restored && memory_writer_is_as_found(loader->memory);
    if ((afresh && !restored) || !policy_set_remembers(loader->policies)) {
        memory_writer_forget_all(loader->memory);
        policy_set_remember_afresh(loader->policies);
    }
    loader->memory_is_restored = loader->memory_is_restored && !afresh;
    if (policy_set_is_remembered(loader->policies)) {
        remove_import(loader);
        return;
    }
    const struct policy_set_memory memory = {put, forget, loader->memory};
    bool more = policy_set_remember(loader->policies, &memory, SLICE_OCTETS);
    memory_writer_write(loader->memory, more);
}

void loader_finish_memory(struct loader *loader)
{
    int64_t until_ms = clock_monotonic_ms() + FINISH_MS;
    loader_tend_memory(loader);
    while (memory_writer_is_able(loader->memory) && !policy_set_is_remembered(loader->policies) &&
           clock_monotonic_ms() < until_ms) {
        struct pollfd fd = {.fd = memory_writer_fd(loader->memory), .events = POLLIN};
        if (poll(&fd, 1, (int)(until_ms - clock_monotonic_ms())) > 0) {
            loader_tend_memory(loader);
        }
    }
}
