/* A record of a policy file, but for the digest at its end, which is made here: what is read of any
 * octets writes the same octets again. */
#include <assert.h>
#include <stdint.h>

#include "lib/base/snapshot_numbers.h"
#include "lib/base/snapshot_part.h"
#include "policies/files/version_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { RECORD_MAX = 1 << 22 };
    CLEANUP(buffer_clear) struct buffer record = BUFFER(RECORD_MAX);
    struct policy_file file;
    buffer_add(&record, (struct bytes){(const char *)data, size});
    snapshot_add_number(&record, snapshot_digest(buffer_bytes(&record), 0), 8);
    if (!record.overflow && version_record_read(buffer_bytes(&record), &file)) {
        CLEANUP(buffer_clear) struct buffer again = BUFFER(RECORD_MAX);
        version_record_add(&again, &file);
        assert(bytes_equal(buffer_bytes(&again), buffer_bytes(&record)));
        policy_file_clear(&file);
    }
    return 0;
}
