#include "certificate_keeper.h"

#include "lib/certificates/live/certificate_set.h"
#include "lib/certificates/snapshot_writer.h"

struct gathered {
    struct certificate_pair **pairs;
    size_t count;
};

static uint64_t unsaved(const void *set)
{
    return certificate_set_unsaved(set);
}

static void *gather(void *set, size_t *ret_count)
{
    struct gathered *gathered = memory_zero(1, sizeof(*gathered));
    gathered->pairs = certificate_set_save(set, &gathered->count);
    *ret_count = gathered->count;
    return gathered;
}

static bool write_out(const char *path, void *context, const _Atomic bool *stop, struct error *e)
{
    const struct gathered *gathered = context;
    return snapshot_write(path, gathered->pairs, gathered->count, stop, e);
}

static void release(void *context)
{
    struct gathered *gathered = context;
    for (size_t i = 0; i < gathered->count; i++) {
        certificate_pair_unref(gathered->pairs[i]);
    }
    free(gathered->pairs);
    free(gathered);
}

const struct snapshot_matter certificate_keeper_matter = {
    .thread = "snapshot",
    .written = "certificates.snapshot.written",
    .failed = "certificates.snapshot.failed",
    .counted = "certificates",
    .unsaved = unsaved,
    .gather = gather,
    .write = write_out,
    .release = release,
};
