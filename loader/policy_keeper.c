#include "policy_keeper.h"

#include "loader/policy_set.h"
#include "loader/policy_snapshot_file.h"

struct gathered {
    struct policy_file_defaults defaults;
    char **files;
    size_t count;
};

static uint64_t unsaved(const void *set)
{
    return policy_set_unsaved(set);
}

static void *gather(void *set, size_t *ret_count)
{
    struct gathered *gathered = memory_zero(1, sizeof(*gathered));
    gathered->files = policy_set_save(set, &gathered->defaults, &gathered->count);
    *ret_count = gathered->count;
    return gathered;
}

static bool write_out(const char *path, void *context, const _Atomic bool *stop, struct error *e)
{
    const struct gathered *gathered = context;
    return policy_snapshot_write(path, gathered->files, gathered->count, &gathered->defaults, stop,
                                 e);
}

static void release(void *context)
{
    struct gathered *gathered = context;
    for (size_t i = 0; i < gathered->count; i++) {
        free(gathered->files[i]);
    }
    free(gathered->files);
    free(gathered);
}

const struct snapshot_matter policy_keeper_matter = {
    .thread = "policy snapshot",
    .written = "policies.snapshot.written",
    .failed = "policies.snapshot.failed",
    .counted = "files",
    .unsaved = unsaved,
    .gather = gather,
    .write = write_out,
    .release = release,
};
