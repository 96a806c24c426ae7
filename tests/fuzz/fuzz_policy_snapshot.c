/* A record of the snapshot of policies: what is read of any octets writes the same octets again. */
#include <assert.h>
#include <stdint.h>

#include "base/snapshot_numbers.h"
#include "policies/policy_snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { AGAIN_MAX = 1 << 22 };
    const struct bytes input = {(const char *)data, size};
    struct bytes rest = input;
    const char *path = policy_snapshot_peek_path(input);
    if (path == NULL || !policy_snapshot_skip(&rest)) {
        return 0;
    }
    struct bytes body = bytes_skip(input, 4 + 2 + strlen(path) + 1);
    const struct file_identity identity = snapshot_take_identity(&body);
    struct policy_file file;
    if (policy_snapshot_read(input, &identity, &file)) {
        CLEANUP(buffer_clear) struct buffer again = BUFFER(AGAIN_MAX);
        policy_snapshot_add(&again, path, &identity, &file);
        assert(again.overflow ||
               bytes_equal(buffer_bytes(&again), (struct bytes){input.p, input.n - rest.n}));
        policy_file_clear(&file);
    }
    return 0;
}
